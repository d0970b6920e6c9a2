/** Runs on pictures that nobody has divided, and on pictures that are stored turned. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseHTML } from 'linkedom';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { notReadLines } from '../../src/cli/left-out.ts';
import { main as report } from '../../src/cli/report.ts';
import { type FoundSet, findParts } from '../../src/data/index.ts';
import {
  divideAsRun,
  findPictures,
  type PhaseMetrics,
  type RunStart,
  resumeTraining,
  runOfWeights,
  type TrainOptions,
  train,
} from '../../src/train/index.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawMessyFolder, writeMessyList } from '../support/messy-data.ts';
import { drawPictures, readJson, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const parts = await drawPictures(join(root, 'parts'));
/** Class folders alone, with a GIF, a copy in the other class, and a picture that is stored on its side. */
const data = join(root, 'classes');
cpSync(join(parts, 'train'), data, { recursive: true });
writeFileSync(join(data, 'discs', 'moving.gif'), 'GIF89a');
cpSync(join(data, 'discs', '0.png'), join(data, 'stripes', 'copy.png'));
await sharp(join(data, 'discs', '1.png'))
  .rotate(90)
  .withMetadata({ orientation: 8 })
  .toFile(join(root, 'side.png'));
cpSync(join(root, 'side.png'), join(data, 'discs', '1.png'));
let runs = 0;
const nextFolder = () => join(root, `run-${runs++}`);
const OPTIONS = {
  ...TINY,
  ...{ data, mode: 'extract', batchSize: 2, lr: 0.01, pictures: false, valSplit: 0.4, ignoreOrientation: true },
} satisfies TrainOptions;

const results = (folder: string) => ({
  metrics: readJsonLines<PhaseMetrics>(folder, 'metrics.jsonl').map(({ loss, acc }) => ({ loss, acc })),
  best: readFileSync(join(folder, 'best.safetensors')).toString('base64'),
});

gpuTest(
  'class folders are divided, told of, and divided alike by --resume',
  async () => {
    const whole = nextFolder();
    let start: RunStart | undefined;
    const reporter = {
      started: (run: RunStart) => {
        start = run;
      },
    };
    await train({ ...OPTIONS, out: whole, reporter });
    const config = readJson<Record<string, unknown>>(whole, 'config.json');
    expect(config).toMatchObject({ valSplit: 0.4, ignoreOrientation: true, classes: ['discs', 'stripes'] });
    expect(config.pictures).toEqual(start!.pictures);
    expect(start!.pictures.train + start!.pictures.val).toBe(13);
    expect(start!.notes).toEqual([
      expect.stringMatching(/^Nobody has divided them, so 40 % of each class are val/),
      expect.stringMatching(/^Labels contradict: .*\/discs\/0\.png = .*\/stripes\/copy\.png/),
    ]);
    expect(notReadLines(start!.notRead)).toEqual([expect.stringMatching(/^Left out: 1 GIF: .*moving\.gif \(convert/)]);
    expect(readCheckpoint(join(whole, 'best.safetensors')).metadata.ignoreOrientation).toBe('true');

    const stopped = nextFolder();
    const stop = new AbortController();
    const stopping = { epochEnded: () => stop.abort() };
    await train({ ...OPTIONS, out: stopped, reporter: stopping, signal: stop.signal });
    await resumeTraining(stopped, { pictures: false });
    expect(results(stopped)).toEqual(results(whole));

    const fewer = join(root, 'fewer');
    cpSync(data, fewer, { recursive: true });
    rmSync(join(fewer, 'stripes', '3.png'));
    await expect(resumeTraining(stopped, { data: fewer, epochs: 3 })).rejects.toThrow(/are not those of the run/);
    await checkHeldOut(whole, fewer);
    await checkReport(whole);
  },
  TRAINING_TIMEOUT,
);

/** Who was held out by the run is known later, wherever its pictures lie. @param fewer a copy without one of its pictures */
async function checkHeldOut(run: string, fewer: string): Promise<void> {
  const record = (await runOfWeights(join(run, 'best.safetensors')))!;
  const held = record.judgement!.answers.map(({ path }) => path);
  const divided = async (path: string, { of = record } = {}) => {
    const { parts: found, ...rest } = await divideAsRun(of, path, await findParts(path));
    const names = (set: FoundSet | undefined) => set?.samples.map((one) => relative(path, one.path));
    return { ...rest, train: names(found.train), val: names(found.val), whole: names(found.whole) };
  };
  const own = { areOwn: true, heldOut: true, notes: [], val: held, whole: undefined };
  const known = await divided(data);
  expect(known).toMatchObject(own);
  expect(known.train).toHaveLength(13 - held.length);
  expect(await divided(data, { of: { ...record, judgement: undefined } })).toEqual(known);

  const moved = join(root, 'moved');
  cpSync(data, moved, { recursive: true });
  expect(await divided(moved)).toEqual(known);
  // The run's own folder with other pictures: what was held out still is.
  const now = {
    ...record,
    config: { ...record.config, data: moved },
    judgement: { ...record.judgement!, data: moved },
  };
  cpSync(join(data, held[0]!), join(moved, 'discs', 'new.png'));
  rmSync(join(moved, held[0]!));
  const changed = await divided(moved, { of: now });
  expect(changed).toMatchObject({
    ...own,
    val: held.slice(1),
    notes: [expect.stringMatching(/1 of the \d that it held out are gone/)],
  });
  expect(changed.train).toContain(join('discs', 'new.png'));

  // Other pictures, some of them with the same names.
  expect(await divided(join(parts, 'val'))).toMatchObject({ areOwn: false, heldOut: false, notes: [] });
  const isKnown = !held.includes(join('stripes', '3.png'));
  expect(await divided(fewer)).toMatchObject({
    ...{ areOwn: false, heldOut: false, val: undefined },
    notes: isKnown ? [expect.stringMatching(/have namesakes here/)] : [],
  });
  expect(await divided(parts)).toMatchObject({ areOwn: false, heldOut: false });
}

/** The report of a run finds its pictures where they lay, and elsewhere in a list. */
async function checkReport(run: string): Promise<void> {
  const { judgement } = (await runOfWeights(run))!;
  const copy = nextFolder();
  cpSync(run, copy, { recursive: true });
  // Without a network, the report needs no device.
  rmSync(join(copy, 'best.safetensors'));
  const list = writeMessyList(
    data,
    (await findParts(data)).whole!.samples.map(({ path }) => relative(data, path)),
    'all.csv',
  );
  const wrong = judgement!.answers.filter(({ right }) => !right).length;
  for (const more of [[], ['--data', list]]) {
    expect(await report([copy, ...more])).toBe(0);
    const { document } = parseHTML(readFileSync(join(copy, 'report.html'), 'utf8'));
    expect(document.querySelectorAll('#mistakes img')).toHaveLength(wrong);
    const cells = [...document.querySelectorAll('#data tbody td')].map((cell) => Number(cell.textContent));
    expect(cells.filter(Number.isFinite).reduce((sum, count) => sum + count, 0)).toBe(13);
  }
}

describe('findPictures', () => {
  const settings = { seed: 0, threads: 0, maxPixels: 1e8 };
  const valOf = async (path: string, seed = 0) => {
    const { pictures } = await findPictures(path, { settings: { ...settings, seed } });
    const { samples, root: base } = pictures.val;
    return samples.map((one) => one.path.slice(base.length + 1)).sort();
  };

  test('divides the same files alike, in any order of listing, as folders or as a list', async () => {
    const [one, two] = [await drawMessyFolder(join(root, 'one')), await drawMessyFolder(join(root, 'two'), true)];
    const val = await valOf(one);
    expect(val.length).toBeGreaterThan(4);
    expect(await valOf(two)).toEqual(val);
    const { pictures } = await findPictures(one, { settings });
    const names = [...pictures.train.samples, ...pictures.val.samples].map(({ path }) => path.slice(one.length + 1));
    expect(await valOf(writeMessyList(one, names.reverse(), 'all.csv'))).toEqual(val);
    expect(await valOf(one, 1)).not.toEqual(val);
  });

  test('the tutorial’s layout is as it was, and takes no share', async () => {
    const { pictures, split, surveyed } = await findPictures(parts, { settings });
    expect([split, surveyed]).toEqual([undefined, undefined]);
    expect(pictures.train.samples).toHaveLength(12);
    expect(pictures.val.samples.map(({ path }) => path)).toEqual(
      ['discs', 'stripes'].flatMap((name) =>
        readdirSync(join(parts, 'val', name))
          .sort()
          .map((file) => join(parts, 'val', name, file)),
      ),
    );
    await expect(findPictures(parts, { settings, valSplit: 0.3 })).rejects.toThrow(/has pictures for val already/);
  });

  test('a share that is none is an error', async () => {
    mkdirSync(join(root, 'any'), { recursive: true });
    await expect(findPictures(data, { settings, valSplit: 0 })).rejects.toThrow(/expected a share between 0 and 1/);
  });
});
