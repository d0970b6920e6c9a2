/** Tables of text, with values aligned right and words aligned left. */

/** One line per row, under a line of titles and a rule. A title that starts with `>` aligns its column right. */
export function formatTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const names = titles.map((title) => title.replace('>', ''));
  const widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (titles[i]!.startsWith('>') ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [names, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

/** Three significant digits, or all digits before the point: 0.0123, 1.23, 12.3, 1234. Integers stay as they are. */
export function figure(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return `${value}`;
  const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(digits);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
}
