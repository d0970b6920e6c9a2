/** Runs on pictures that nobody has divided, and on pictures that are stored turned. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { notReadLines } from '../../src/cli/left-out.ts';
import {
  findPictures,
  type PhaseMetrics,
  type RunStart,
  resumeTraining,
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
  },
  TRAINING_TIMEOUT,
);

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
