/** Tables of text: numbers to the right, so that their digits stand under one another, and words to the left. */

export interface Column {
  readonly title: string;
  /** `right` for numbers. */
  readonly align: 'left' | 'right';
}

/** One line per row under a line of titles and a rule; no trailing blanks. Throws where a row has another number of cells. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titles = columns.map((column) => column.title);
  for (const row of rows) {
    if (row.length !== columns.length) {
      throw new RangeError(`A row has ${row.length} cells, the table ${columns.length} columns.`);
    }
  }
  const widths = columns.map((_, i) => Math.max(...[titles, ...rows].map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (columns[i]!.align === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Three significant digits, more where they stand before the point: 0.0123, 1.23, 12.3, 1234. Counts as they are. */
export function figure(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return `${value}`;
  const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(digits);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
}
