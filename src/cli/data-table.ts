/** What is known of a data set, as text for a terminal. */
import { IMBALANCE, printableName, SMALL_SIDE, SPLIT_NAMES, type SplitName } from '../data/index.ts';
import { listed, printable, printableLines } from '../printable.ts';
import { type DataReport, splitLine } from '../train/index.ts';

const LAYOUTS: Readonly<Record<DataReport['layout'], string>> = {
  folders: 'a folder for each part',
  classes: 'class folders',
  list: 'a list',
};
/** Lines of one kind. */
const MOST_LINES = 10;
const MOST_NAMES = 5;

/** The table and the sentences under it. */
export function dataText(report: DataReport): string {
  const { path, layout, divided, valIsTest, sizes, formats, turned, small } = report;
  const lines = [`${printableName(path)}: ${LAYOUTS[layout]}`];
  if (divided) lines.push(`${splitLine(divided.valSplit)} Seed ${divided.seed}.`);
  if (valIsTest) lines.push('There are no pictures for val, so those of test judge each epoch.');
  lines.push('', ...classTable(report), '');
  const kinds = Object.entries(formats).map(([format, count]) => `${format.toUpperCase()} ${count}`);
  lines.push(`Formats: ${kinds.join(', ') || 'none'}`);
  if (sizes) {
    const [smallest, median, largest] = [sizes.smallest, sizes.median, sizes.largest].map(([w, h]) => `${w}×${h}`);
    lines.push(`Sizes: ${smallest} to ${largest}, the middle one ${median}`);
  }
  if (small.length > 0) {
    lines.push(`Smaller than ${SMALL_SIDE} pixels, so a blur to the network: ${namesText(small)}`);
  }
  if (turned > 0) lines.push(`Stored on their side or mirrored, and turned upright as they say: ${turned}`);
  return `${[...lines, ...leftOutLines(report), ...brokenLines(report), ...alikeLines(report), ...warningLines(report)].join('\n')}\n`;
}

function classTable({ classes, pictures, broken }: DataReport): string[] {
  const parts = SPLIT_NAMES.filter((part) => pictures[part] > 0 || part !== 'test');
  const all = (counts: Readonly<Record<SplitName, number>>) => parts.reduce((sum, part) => sum + counts[part], 0);
  const row = (name: string, counts: Readonly<Record<SplitName, number>>) => [
    name,
    ...parts.map((part) => String(counts[part])),
    String(all(counts)),
  ];
  const rows = [
    ['class', ...parts, 'all'],
    ...classes.map((one) => row(printable(one.name, 40), one)),
    row('all', pictures),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const lines = rows.map((cells) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
  return broken.length > 0 ? [...lines, `(without ${broken.length} that cannot be read)`] : lines;
}

function leftOutLines({ leftOut }: DataReport): string[] {
  if (leftOut.length === 0) return [];
  const lines = leftOut.map(({ what, names, advice }) => `  ${names.length} ${what}: ${namesText(names)} (${advice})`);
  return ['', 'Left out:', ...lines];
}

function brokenLines({ broken }: DataReport): string[] {
  if (broken.length === 0) return [];
  const shown = broken.slice(0, MOST_LINES).map(({ reason }) => `  ${printableLines(reason)}`);
  return [
    '',
    `Cannot be read: ${broken.length}; train stops at them, or leaves them out with --skip-broken`,
    ...shown,
    ...more(broken),
  ];
}

function alikeLines({ alike, compared }: DataReport): string[] {
  const exact = alike.filter(({ isExact }) => isExact);
  const near = alike.filter(({ isExact }) => !isExact);
  const section = (title: string, groups: typeof alike) => {
    if (groups.length === 0) return [];
    const lines = groups.slice(0, MOST_LINES).map(({ pictures, crosses, contradicts }) => {
      const names = listed(
        pictures.map(({ name, part }) => `${name} (${part})`),
        MOST_NAMES,
        printableName,
      );
      const marks = [...(contradicts ? ['different classes'] : []), ...(crosses ? ['on both sides'] : [])];
      return `  ${names}${marks.length > 0 ? `: ${marks.join(', ')}` : ''}`;
    });
    return ['', title, ...lines, ...more(groups)];
  };
  return [
    ...section(`The same file more than once: ${exact.length}`, exact),
    ...section(`Look alike (copies of another size or quality, or one series): ${near.length}`, near),
    ...(compared ? [] : ['', 'There are too many pictures to find those that look alike; equal files were found.']),
  ];
}

function warningLines({ warnings }: DataReport): string[] {
  if (warnings.length > 0) return ['', ...warnings.map((line) => `Warning: ${line}`)];
  return [
    '',
    `No labels that contradict, no copies in train and val, no class ${IMBALANCE} times as large as another.`,
  ];
}

function namesText(names: readonly string[]): string {
  return listed(names, MOST_NAMES, printableName);
}

function more(all: readonly unknown[]): string[] {
  return all.length > MOST_LINES ? [`  and ${(all.length - MOST_LINES).toLocaleString('en-US')} more`] : [];
}
