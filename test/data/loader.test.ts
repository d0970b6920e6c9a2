/** Whole epochs against torch's DataLoader; threads, cache and memory must not change a bit of them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  DataLoader,
  type DataLoaderOptions,
  DecoderPool,
  drawEpoch,
  Generator,
  type ImageDataset,
  ImageFolder,
  TRAIN_TRANSFORM,
  type Transform,
  VAL_TRANSFORM,
} from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import { dataTest, GOLDEN_FOLDER, golden, sha256 } from './support.ts';

// Starting a thread from sources takes a second or more while other tests keep the processors busy.
vi.setConfig({ testTimeout: 60_000 });

const TRAIN: Transform = { kind: 'train', size: 64 };
const VAL: Transform = { kind: 'val', size: 64, resize: 72 };
const dataset = new ImageFolder(join(GOLDEN_FOLDER, 'folder'));
const pools = [0, 1, 4].map((threads) => new DecoderPool(threads));

afterAll(() => Promise.all(pools.map((pool) => pool.close())));

function loaderOf(options: Partial<DataLoaderOptions>, of: ImageDataset = dataset): DataLoader {
  const defaults = { batchSize: 5, shuffle: true, transform: TRAIN, generator: new Generator(3), pool: pools[0]! };
  return new DataLoader(of, { ...defaults, ...options });
}

async function hashes(loader: DataLoader): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of loader) {
    found.push(sha256(batch.images));
    batch.release();
  }
  return found;
}

describe('two epochs as torch loads them', () => {
  for (const pool of pools) {
    for (const [workers, { batches, afterBreak }] of Object.entries(golden.epochs)) {
      test(`workers ${workers}, threads ${pool.threads}`, async () => {
        const generator = new Generator(3);
        const shared = { generator, pool, workers: Number(workers) };
        const train = loaderOf({ ...shared, transform: TRAIN });
        const val = loaderOf({ ...shared, transform: VAL });
        const expected = batches.values();
        for (let epoch = 0; epoch < 2; epoch++) {
          for (const loader of [train, val]) {
            for await (const batch of loader) {
              const { labels, drawn, values } = expected.next().value!;
              expect([...batch.labels]).toEqual(labels);
              if (drawn) expect([...batch.indices]).toEqual(drawn.map(([index]) => index));
              expect(sha256(batch.images)).toBe(values);
              batch.release();
            }
          }
        }
        expect(expected.next().done).toBe(true);

        for await (const batch of train) {
          batch.release();
          break;
        }
        for await (const batch of loaderOf({ ...shared, transform: VAL, shuffle: false })) batch.release();
        expect(generator.rand()).toBe(afterBreak);
      });
    }
  }

  test('every crop and flip', async () => {
    await loaderOf({}).prepare();
    for (const [workers, { batches }] of Object.entries(golden.epochs)) {
      const generator = new Generator(3);
      const shape = { count: dataset.length, batchSize: 5, shuffle: true, workers: Number(workers) };
      for (const first of [0, 6]) {
        const expected = batches.slice(first, first + 3).flatMap((batch) => batch.drawn!);
        const draws = drawEpoch(generator, { ...shape, sizes: dataset.sizes });
        const rows = draws.map(({ index, crop }) => {
          const { top, left, height, width } = crop!.box;
          return [index, top, left, height, width, Number(crop!.flip)];
        });
        expect(rows).toEqual(expected);
        drawEpoch(generator, { ...shape, sizes: undefined });
      }
    }
  });
});

describe('cache, prefetch and memory', () => {
  test('no cache, one too small for all and a large one give the same, in the first epoch and the second', async () => {
    for (const transform of [TRAIN, VAL]) {
      const runs = await Promise.all(
        pools.flatMap((pool) =>
          [0, 10_000, 2 ** 28].map(async (cacheBytes) => {
            const loader = loaderOf({ transform, pool, cacheBytes });
            return [await hashes(loader), await hashes(loader)];
          }),
        ),
      );
      for (const run of runs) expect(run).toEqual(runs[0]);
    }
  });

  test('neither prefetch nor keeping the buffers changes the values', async () => {
    const expected = await hashes(loaderOf({}));
    for (const prefetch of [0, 1, 100]) {
      const kept: string[] = [];
      for await (const { images } of loaderOf({ prefetch, pool: pools[2]! })) kept.push(sha256(images));
      expect(kept).toEqual(expected);
    }
  });

  test('released memory is reused, and never twice at once', async () => {
    const loader = loaderOf({ batchSize: 1, pool: pools[1]!, prefetch: 2 });
    const buffers = new Set<ArrayBuffer>();
    const held: { images: Float32Array; hash: string }[] = [];
    for await (const batch of loader) {
      batch.release();
      batch.release();
      buffers.add(batch.images.buffer);
    }
    for await (const { images } of loader) held.push({ images, hash: sha256(images) });
    for (const { images, hash } of held) expect(sha256(images)).toBe(hash);
    expect(new Set(held.map(({ images }) => images.buffer)).size).toBe(held.length);
  });
});

describe('failures', () => {
  const broken = (path: string): ImageDataset => ({
    classes: ['a'],
    samples: [dataset.samples[0]!, { path, label: 0 }, dataset.samples[1]!],
  });

  for (const threads of [0, 2]) {
    test(`a picture that cannot be decoded ends the epoch and the loader's own threads (${threads})`, async () => {
      const path = join(GOLDEN_FOLDER, 'broken', 'half.jpg');
      const { pool: _, ...options } = loaderOf({ threads, shuffle: false, batchSize: 1, transform: VAL }).options;
      const loader = new DataLoader(broken(path), options);
      let batches = 0;
      const run = async () => {
        for await (const _ of loader) batches++;
      };
      const error = await run().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FileError);
      expect((error as Error).message).toMatch(`${path}: the image file is truncated or damaged`);
      expect(batches).toBe(1);
      await expect(run()).rejects.toThrow(/closed/);
    });
  }

  test('a picture without a readable header fails before anything is drawn', async () => {
    const path = join(GOLDEN_FOLDER, 'broken', 'text.jpg');
    const generator = new Generator(3);
    await expect(loaderOf({ generator }, broken(path)).prepare()).rejects.toThrow(path);
    expect(generator.drawn).toBe(0);
  });

  test('a picture that changes its size during the run is an error', async () => {
    const changed: ImageDataset = { ...broken(dataset.samples[2]!.path), sizes: Int32Array.of(29, 26, 1, 1, 36, 37) };
    const loader = loaderOf({ shuffle: false, pool: pools[1]! }, changed);
    await expect(hashes(loader)).rejects.toThrow(/Do not change the pictures/);
  });

  test('closing the pool rejects waiting work', async () => {
    const pool = new DecoderPool(1);
    const epoch = hashes(loaderOf({ pool, cacheBytes: 0 }));
    // Attached before the await below, so that the rejection is never unhandled.
    const outcome = expect(epoch).rejects.toThrow(/closed/);
    await loaderOf({ pool }).prepare();
    await pool.close();
    await outcome;
  });

  test('invalid options are refused', () => {
    expect(() => loaderOf({ batchSize: 0 })).toThrow(/batchSize/);
    expect(() => loaderOf({ workers: 1.5 })).toThrow(/workers/);
    expect(() => new DecoderPool(-1)).toThrow(/threads/);
  });
});

test('threads also run under node --import tsx, and idle ones do not keep Node alive', async () => {
  const script = fileURLToPath(new URL('./one-epoch.ts', import.meta.url));
  // The script never calls close(): a thread that kept Node alive would run into the time limit.
  const output = execFileSync(process.execPath, ['--import', 'tsx', script], { timeout: 50_000, encoding: 'utf8' });
  const expected = await hashes(loaderOf({ transform: VAL }));
  expect(output.trim().split(' ')).toEqual(expected);
});

dataTest('the pictures of the tutorial: 61 and 39 batches, the same from threads and cache', async (root) => {
  for (const [part, transform, length, last] of [
    ['train', TRAIN_TRANSFORM, 61, 4],
    ['val', VAL_TRANSFORM, 39, 1],
  ] as const) {
    const options = { batchSize: 4, transform, generator: new Generator(0) };
    const real = new ImageFolder(join(root, part));
    const loader = loaderOf({ ...options, pool: pools[1]! }, real);
    expect(loader.length).toBe(length);
    const sizes: number[] = [];
    for await (const batch of loader) {
      sizes.push(batch.size);
      expect(batch.images.length).toBe(batch.size * 3 * 224 * 224);
      batch.release();
    }
    expect(sizes.at(-1)).toBe(last);
    const cached = await hashes(loaderOf({ ...options, generator: new Generator(1), pool: pools[1]! }, real));
    const direct = await hashes(loaderOf({ ...options, generator: new Generator(1), cacheBytes: 0 }, real));
    expect(cached).toEqual(direct);
  }
});
