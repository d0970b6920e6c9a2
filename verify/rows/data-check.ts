/** A drawn folder with all that people have in theirs: the check tells each thing, and divides it the same every time. */
import { join } from 'node:path';
import { type DataReport, findPictures } from '../../src/train/index.ts';
import { drawMessyFolder, MESSY_COUNTS, writeMessyList } from '../../test/support/messy-data.ts';
import { ROOT, run } from '../processes.ts';
import { all, either, type Outcome, type Row } from '../row.ts';

/** What lies in the folder, and what of the report tells of it. */
const TOLD: Readonly<Record<string, (report: DataReport) => boolean>> = {
  'nobody has divided it': ({ layout, divided }) => layout === 'classes' && divided?.valSplit === 0.2,
  'pictures of each class': ({ classes }) =>
    classes.map(({ name, train, val }) => `${name} ${train + val}`).join() ===
    `bee ${MESSY_COUNTS.bee + 4},beetle ${MESSY_COUNTS.beetle + 3}`,
  'both parts of each class': ({ classes }) => classes.every(({ train, val }) => train > 0 && val > 0),
  imbalance: ({ warnings }) => warnings.some((line) => /unequal: 20 of bee, 6 of beetle/.test(line)),
  'a copy': ({ alike }) =>
    alike.some(({ isExact, contradicts, pictures }) => isExact && !contradicts && pictures.length === 2),
  'a smaller copy': ({ alike }) => alike.some(({ isExact }) => !isExact),
  'a copy in another class': ({ alike }) => alike.some(({ contradicts }) => contradicts),
  'copies on one side': ({ alike }) => !alike.some(({ crosses }) => crosses),
  'a broken picture': ({ broken }) => broken.length === 1 && broken[0]!.name === 'bee/broken.png',
  'HEIC and AVIF': ({ formats }) => formats.heic === 1 && formats.avif === 1,
  'a picture on its side': ({ turned }) => turned === 1,
  'a tiny picture': ({ small }) => small.join() === 'beetle/tiny.png',
  ...Object.fromEntries(
    (['gif', 'svg', 'film', 'loose', 'other', 'hidden'] as const).map((kind) => [
      `left out: ${kind}`,
      ({ leftOut }: DataReport) =>
        leftOut.some((one) => one.kind === kind && one.names.length === (kind === 'hidden' ? 2 : 1)),
    ]),
  ),
};
/** Words of the table that stand for them. */
const WORDS = [
  ...['Nobody has divided them', 'Warning: Classes are unequal', 'Warning: Labels contradict', 'Cannot be read: 1'],
  ...['The same file more than once: 2', 'Look alike', 'HEIC 1', 'AVIF 1', '1 GIF', 'hidden folders', 'Smaller than'],
  ...['1 drawing', '1 film', 'beside the class folders', 'turned upright'],
];

export const dataCheck: Row = {
  name: 'data-check',
  title: 'data check on a drawn folder with copies, imbalance, broken, HEIC and hidden files: each is told; one split',
  minutes: 1,
  ci: true,
  alone: true,
  run: async ({ scratch }) => {
    const folder = await drawMessyFolder(join(scratch, 'insects'));
    const backwards = await drawMessyFolder(join(scratch, 'backwards'), true);
    const report = await check(folder);
    const text = await command(folder);
    const missing = Object.keys(TOLD).filter((what) => !TOLD[what]!(report));
    const unsaid = WORDS.filter((word) => !text.includes(word));
    for (const what of [...missing, ...unsaid]) console.log(`  not told: ${what}`);
    return [
      all(
        'things in the folder that the report tells',
        Object.keys(TOLD).length - missing.length,
        Object.keys(TOLD).length,
      ),
      all('of them in the table, in words', WORDS.length - unsaid.length, WORDS.length),
      ...(await sameSplits(folder, backwards)),
    ];
  },
};

/** Compares who is in val by the pictures that a list of each part names. */
async function sameSplits(folder: string, backwards: string): Promise<Outcome[]> {
  const partsOf = async (path: string, seed: number) => {
    const { pictures } = await findPictures(path, { settings: { seed, threads: 1, maxPixels: 1e8 } });
    const names = (part: 'train' | 'val') =>
      pictures[part].samples.map((one) => one.path.slice(pictures[part].root.length + 1));
    return { val: names('val').sort(), all: [...names('train'), ...names('val')] };
  };
  const first = await partsOf(folder, 0);
  const list = (names: readonly string[], file: string) => partsOf(writeMessyList(folder, names, file), 0);
  const others = [
    await partsOf(folder, 0),
    await partsOf(backwards, 0),
    await list(first.all, 'sorted.csv'),
    await list([...first.all].reverse(), 'reversed.csv'),
  ];
  const same = others.filter(({ val }) => val.join() === first.val.join());
  const another = await partsOf(folder, 1);
  return [
    all('the same split again, of files made in reverse, and of lists in two orders', same.length, others.length),
    either('another seed', another.val.join() !== first.val.join(), 'another split', 'the same split'),
  ];
}

async function command(folder: string, ...flags: string[]): Promise<string> {
  const script = join(ROOT, 'src/cli/data.ts');
  const { status, stdout, output } = await run(process.execPath, [
    '--import',
    'tsx',
    script,
    'check',
    folder,
    ...flags,
  ]);
  // One picture cannot be read.
  if (status !== 1) throw new Error(`data check ended with status ${status}:\n${output.slice(-4000)}`);
  return stdout;
}

async function check(folder: string): Promise<DataReport> {
  return JSON.parse(await command(folder, '--json')) as DataReport;
}
