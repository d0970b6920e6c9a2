/** Pictures as the bytes of their files, and the folder of a run as weights. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PictureTooLargeError } from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import { openPredictor } from '../../src/predict/index.ts';
import { parseSource } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPicture, randomState, SIZE, temporaryFolder, writeNet } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const paths = [await drawPicture(join(root, 'a.png'), 1), await drawPicture(join(root, 'b.png'), 2)];
const run = join(root, 'run');
mkdirSync(run);

gpuTest('bytes, blobs and files give what their paths give; a run folder stands for its best weights', async () => {
  writeNet(join(run, 'best.safetensors'), randomState(gpu, 3), { imageSize: String(SIZE) });
  const predictor = await openPredictor(run, { gpu, threads: 1, startThreads: true });
  try {
    const [a, b] = await predictor.predict([...paths, ...paths, paths[0]!]);
    const bytes = paths.map((path) => new Uint8Array(readFileSync(path)));
    const found = await predictor.predict([
      bytes[0]!,
      new Blob([bytes[1]!]),
      new File([bytes[0]!], 'my a.png'),
      { name: 'my b', bytes: bytes[1]! },
      { name: 'blob b', bytes: new Blob([bytes[1]!]) },
    ]);
    // In a batch of the same size, so that they have the same bits.
    expect(found.slice(0, 2).map(({ top }) => top)).toEqual([a!.top, b!.top]);
    expect(found.slice(2).map(({ top }) => top[0].index)).toEqual([a, b, b].map((one) => one!.top[0].index));
    expect(found.map(({ path }) => path)).toEqual([undefined, undefined, 'my a.png', 'my b', 'blob b']);
    // The caller keeps the bytes.
    expect(bytes[0]!.byteLength).toBeGreaterThan(0);

    const broken = bytes[1]!.slice(0, 60);
    const outcomes = [];
    for await (const one of predictor.each([bytes[0]!, broken, { name: 'mine', bytes: Uint8Array.of(1, 2) }])) {
      outcomes.push(one);
    }
    expect(outcomes.map((one) => ('error' in one ? one.error.message : 'read'))).toEqual([
      'read',
      expect.stringMatching(/^picture 2: .*\. Give another picture\.$/),
      expect.stringMatching(/^mine: this is not a picture in a known format \(.*\)\. Give another picture\.$/),
    ]);
    await expect(predictor.predict([broken])).rejects.toThrow(/^picture 1: /);
    await expect(predictor.predict([7 as never])).rejects.toThrow(/picture 1: expected a path, the bytes/);
  } finally {
    await predictor.close();
  }
  const strict = await openPredictor(run, { gpu, threads: 1, maxPixels: 100 });
  try {
    for (const picture of [new Uint8Array(readFileSync(paths[0]!)), new Blob([new Uint8Array(2 ** 27)])]) {
      // In the calling thread, and in a decoder thread.
      for (const pictures of [[picture], [picture, picture]]) {
        await expect(strict.predict(pictures)).rejects.toThrow(PictureTooLargeError);
      }
    }
  } finally {
    await strict.close();
  }
});

test('a folder without weights is an error that names the runs in it', () => {
  const folder = join(root, 'both');
  for (const mode of ['finetune', 'extract']) mkdirSync(join(folder, mode), { recursive: true });
  expect(() => parseSource(folder)).toThrow(FileError);
  expect(() => parseSource(folder)).toThrow(/both: expected a run's folder with best\.safetensors, found a folder/);
  writeNet(join(folder, 'extract', 'best.safetensors'), new Map());
  expect(() => parseSource(folder)).toThrow(/Give one of the runs in it: .*both.extract\.$/);
  expect(parseSource(join(folder, 'extract')).path).toBe(join(folder, 'extract', 'best.safetensors'));
  expect(parseSource(`${join(folder, 'extract')}#ema`)).toEqual({
    path: join(folder, 'extract', 'best.safetensors'),
    choice: 'ema',
  });
});
