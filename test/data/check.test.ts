/** All pictures are read once before an epoch: the broken ones are found together, the others are not decoded again. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Batch,
  DataLoader,
  DecoderPool,
  Generator,
  ImageFolder,
  type Transform,
  valTransform,
} from '../../src/data/index.ts';
import { IMAGENET_INPUT, withCrop } from '../../src/input-spec.ts';
import { drawPictures, temporaryFolder } from '../train/support.ts';

const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
let copies = 0;
const pools: DecoderPool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

/** The 12 training pictures, of which some are cut off behind a good header. */
function folderWith(...cutOff: readonly string[]): string {
  const copy = join(root, `copy-${copies++}`);
  cpSync(join(data, 'train'), copy, { recursive: true });
  for (const name of cutOff) {
    const path = join(copy, name);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 40));
  }
  return copy;
}

function loaderOf(folder: string, transform: Transform, threads: number, cacheBytes?: number): DataLoader {
  const pool = new DecoderPool(threads);
  pools.push(pool);
  const options = { batchSize: 4, shuffle: true, workers: 2, generator: new Generator(3), transform, pool };
  return new DataLoader(new ImageFolder(folder), { ...options, ...(cacheBytes !== undefined && { cacheBytes }) });
}

const TRAIN: Transform = { kind: 'train', size: 32 };

async function pixels(loader: DataLoader): Promise<string[]> {
  const found: string[] = [];
  for await (const { images, labels, release } of loader as AsyncIterable<Batch>) {
    found.push(`${labels} ${Buffer.from(images.buffer, images.byteOffset, images.byteLength).toString('base64')}`);
    release();
  }
  return found;
}

describe.each([0, 2])('%i threads', (threads) => {
  test.each([
    ['train', TRAIN],
    ['val', valTransform(withCrop(IMAGENET_INPUT, 32))],
  ] as const)('%s: all broken pictures are found at once, by index and in order', async (_, transform) => {
    const folder = folderWith('discs/1.png', 'stripes/0.png');
    writeFileSync(join(folder, 'stripes', '5.png'), 'no picture');
    const loader = loaderOf(folder, transform, threads);
    let checked = 0;
    const broken = await loader.check({ decode: true, onChecked: () => checked++ });
    expect(broken.map(({ index, path }) => [index, path])).toEqual([
      [1, join(folder, 'discs', '1.png')],
      [6, join(folder, 'stripes', '0.png')],
      [11, join(folder, 'stripes', '5.png')],
    ]);
    for (const { path, error } of broken) expect(error.message).toContain(`${path}: `);
    // A picture whose header cannot be read is not decoded.
    expect(checked).toBe(transform.kind === 'train' ? 11 : 12);
  });

  test('pictures that were checked are not decoded again', async () => {
    const folder = folderWith();
    const loader = loaderOf(folder, TRAIN, threads);
    expect(await loader.check({ decode: true })).toEqual([]);
    const expected = await pixels(loaderOf(folderWith(), TRAIN, threads));
    rmSync(folder, { recursive: true });
    expect(await pixels(loader)).toEqual(expected);
  });

  test('headers alone do not show a picture that is cut off behind its header', async () => {
    const folder = folderWith('discs/1.png');
    writeFileSync(join(folder, 'discs', '2.png'), 'no picture');
    for (const transform of [TRAIN, valTransform(withCrop(IMAGENET_INPUT, 32))]) {
      const broken = await loaderOf(folder, transform, threads).check({ decode: false });
      expect(broken.map(({ index }) => index)).toEqual([2]);
    }
  });

  test('without the broken ones it draws as if they were not there', async () => {
    const folder = folderWith('discs/0.png', 'stripes/3.png');
    // So that some pictures have no place in the cache.
    const loader = loaderOf(folder, TRAIN, threads, 60_000);
    const broken = await loader.check({ decode: true });
    const rest = await pixels(loader.without(new Set(broken.map(({ index }) => index))));
    for (const name of ['discs/0.png', 'stripes/3.png']) rmSync(join(folder, name));
    expect(rest).toEqual(await pixels(loaderOf(folder, TRAIN, threads)));
  });

  test('an abort ends the check with its reason', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const check = loaderOf(folderWith(), TRAIN, threads).check({
      decode: true,
      signal: stop.signal,
      onChecked: () => stop.abort(reason),
    });
    if (threads === 0) await expect(check).rejects.toBe(reason);
    // With threads all twelve may be under way at the first result.
    else expect(await check.catch((error: unknown) => error)).toSatisfy((end) => end === reason || Array.isArray(end));
  });
});

test('signals and timers have their turn while the calling thread decodes', async () => {
  const stop = new AbortController();
  const reason = new Error('from a timer');
  setTimeout(() => stop.abort(reason), 0);
  let checked = 0;
  const check = loaderOf(folderWith(), valTransform(withCrop(IMAGENET_INPUT, 32)), 0).check({
    decode: true,
    signal: stop.signal,
    onChecked: () => checked++,
  });
  await expect(check).rejects.toBe(reason);
  expect(checked).toBeLessThan(12);
});

test('sizes with gaps are not kept: a loader that is prepared again names the picture again', async () => {
  const folder = folderWith();
  writeFileSync(join(folder, 'discs', '2.png'), 'no picture');
  const loader = loaderOf(folder, TRAIN, 0);
  for (let i = 0; i < 2; i++) await expect(loader.prepare()).rejects.toThrow('2.png: this is not a picture');
  cpSync(join(data, 'train', 'discs', '2.png'), join(folder, 'discs', '2.png'));
  await loader.prepare();
  expect(await pixels(loader)).toEqual(await pixels(loaderOf(folderWith(), TRAIN, 0)));
});

test('a batch size beyond the data set makes one batch of all, as in torch', async () => {
  const pool = new DecoderPool(0);
  pools.push(pool);
  const options = { batchSize: 1e9, shuffle: true, generator: new Generator(3), transform: TRAIN, pool };
  const loader = new DataLoader(new ImageFolder(folderWith()), options);
  const sizes: number[] = [];
  for await (const batch of loader) sizes.push(batch.size);
  expect(sizes).toEqual([12]);
});
