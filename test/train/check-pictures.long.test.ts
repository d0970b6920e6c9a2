/** Broken pictures end a run before its first step, named all together; or the run goes on as if they were not there. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DecoderPool, Generator } from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import { IMAGENET_INPUT, withCrop } from '../../src/input-spec.ts';
import { checkPictures } from '../../src/train/check-pictures.ts';
import {
  BrokenPicturesError,
  type CheckProgressReport,
  evaluate,
  makeLoaders,
  openPictures,
  type PhaseMetrics,
  type RunStart,
  resumeTraining,
  train,
} from '../../src/train/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJson, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
const BROKEN = ['train/discs/1.png', 'train/stripes/0.png', 'val/stripes/2.png'];
let copies = 0;

/** Pictures of which some are cut off behind a good header. */
function brokenPictures(names: readonly string[] = BROKEN): string {
  const folder = join(root, `broken-${copies++}`);
  cpSync(data, folder, { recursive: true });
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), bytes.subarray(0, bytes.length - 40));
  }
  return folder;
}

/** A check without a device. */
async function check(folder: string, options: { skipBroken?: boolean; mostDecoded?: number } = {}) {
  const pool = new DecoderPool(0);
  const pictures = openPictures(folder);
  const settings = { batchSize: 4, workers: 0, input: withCrop(IMAGENET_INPUT, 32) };
  const loaders = makeLoaders(pictures, settings, new Generator(0), pool);
  const progress: CheckProgressReport[] = [];
  const reporter = { picturesChecked: (one: CheckProgressReport) => progress.push(one) };
  const request = { pictures, loaders, skipBroken: false, signal: undefined, reporter, ...options };
  try {
    return { ...(await checkPictures(request)), progress };
  } finally {
    await pool.close();
  }
}

test('all broken pictures of both phases are named in one error', async () => {
  const folder = brokenPictures();
  const error = await check(folder).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(BrokenPicturesError);
  expect(error).toBeInstanceOf(FileError);
  expect((error as BrokenPicturesError).pictures.map(({ path }) => path)).toEqual(
    BROKEN.map((name) => join(folder, name)),
  );
  const { message } = error as Error;
  expect(message.split('\n')[0]).toBe(`${folder}: 3 of 20 pictures cannot be used:`);
  for (const name of BROKEN) expect(message).toContain(`\n  ${join(folder, name)}: `);
  expect(message).toContain('--skip-broken');
});

test('a long list is cut, and counts the rest', () => {
  const pictures = Array.from({ length: 1000 }, (_, i) => ({ path: `${i}`, reason: `${i}: broken` }));
  const { message } = new BrokenPicturesError('data', 5000, pictures, 'Mend them.');
  expect(message).toMatch(/^data: 1000 of 5000 pictures cannot be used:\n {2}0: broken\n/);
  expect(message).toMatch(/\n {2}19: broken\n {2}and 980 more\nMend them\.$/);
});

test('of more than a stated number only the headers are read', async () => {
  const folder = brokenPictures();
  const { skipped, progress } = await check(folder, { mostDecoded: 19 });
  expect(skipped).toEqual([]);
  expect(progress.at(-1)).toEqual({ done: 20, total: 20, decoded: false });
  writeFileSync(join(folder, 'val', 'discs', '0.png'), 'no picture');
  await expect(check(folder, { mostDecoded: 19 })).rejects.toThrow(/1 of 20 pictures.*\n.*val.discs.0\.png/);
});

test('a class of which nothing can be read is an error, also where broken pictures are skipped', async () => {
  const folder = brokenPictures([0, 1, 2, 3].map((i) => `val/discs/${i}.png`));
  await expect(check(folder, { skipBroken: true })).rejects.toThrow(/val: no picture of the classes discs can be read/);
});

gpuTest(
  'a run with broken pictures ends before it writes anything',
  async () => {
    const out = join(root, 'refused');
    await expect(train({ data: brokenPictures(), ...TINY, out })).rejects.toThrow(BrokenPicturesError);
    expect(existsSync(out)).toBe(false);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'broken pictures are named also where they leave a last batch that is too small, and then the batch is',
  async () => {
    const folder = brokenPictures();
    const out = join(root, 'odd');
    // 12 pictures of which 2 are broken, in batches of 11: the last would have one of them.
    const options = { ...TINY, data: folder, mode: 'extract', batchSize: 11, out, pictures: false } as const;
    await expect(train(options)).rejects.toThrow(BrokenPicturesError);
    await train({ ...options, epochs: 1, skipBroken: true });
    const few = train({ ...options, batchSize: 9, out: `${out}-few`, skipBroken: true });
    await expect(few).rejects.toThrow('the last batch of 10 training pictures has 1: add or remove a picture');
    expect(existsSync(`${out}-few`)).toBe(false);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a run that skips them, stopped and resumed, equals one whose folder lacks them, and says which they are',
  async () => {
    const folder = brokenPictures();
    const options = { ...TINY, mode: 'extract', pictures: false } as const;
    const [out, expectedOut] = [join(root, 'skips'), join(root, 'lacks')];
    const stop = new AbortController();
    const starts: RunStart[] = [];
    const reporter = {
      started: (start: RunStart) => starts.push(start),
      stepDone: ({ epoch }: { epoch: number }) => {
        if (epoch === 1) stop.abort();
      },
    };
    const { signal } = stop;
    await train({ ...options, data: folder, skipBroken: true, out, reporter, signal });
    await resumeTraining(out, { pictures: false, reporter: { started: (start) => starts.push(start) } });
    for (const { skipped, pictures } of starts) {
      expect({ skipped, pictures }).toEqual({ skipped: BROKEN, pictures: { train: 10, val: 7 } });
    }
    expect(starts).toHaveLength(2);
    expect(readJson(out, 'config.json')).toMatchObject({ skipped: BROKEN, pictures: { train: 10, val: 7 } });
    expect(readJson(out, 'summary.json')).toMatchObject({ skipped: BROKEN, epochs: 2 });

    for (const name of BROKEN) rmSync(join(folder, name));
    await train({ ...options, data: folder, out: expectedOut });
    const metrics = (run: string) =>
      readJsonLines<PhaseMetrics>(run, 'metrics.jsonl').map(({ epoch, phase, loss, acc }) => ({
        epoch,
        phase,
        loss,
        acc,
      }));
    expect(metrics(out)).toEqual(metrics(expectedOut));
    const best = (run: string) => readFileSync(join(run, 'best.safetensors'));
    expect(best(out).equals(best(expectedOut))).toBe(true);
    expect(readJson(expectedOut, 'summary.json')).not.toHaveProperty('skipped');
    // The broken pictures belong to the run's files.
    await expect(resumeTraining(out, { epochs: 3 })).rejects.toThrow('train/discs (6 files then, 5 now)');

    // Measuring names all broken pictures of val.
    const whole = brokenPictures(['val/discs/0.png', 'val/stripes/1.png']);
    const measured = evaluate({ ...TINY, data: whole, weights: join(out, 'best.safetensors') });
    await expect(measured).rejects.toThrow(/2 of 8 pictures.*\n.*val.discs.0\.png.*\n.*val.stripes.1\.png/);
  },
  TRAINING_TIMEOUT,
);
