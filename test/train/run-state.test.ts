/** When val stopped improving, which pictures are those of a run, and the thread that saves. */

import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { differences, fingerprintOf } from '../../src/train/fingerprint.ts';
import { openPictures } from '../../src/train/pictures.ts';
import { checkUnused } from '../../src/train/run-folder.ts';
import { epochsWithoutImprovement } from '../../src/train/run-state.ts';
import { SaveThread } from '../../src/train/save-thread.ts';
import type { PhaseMetrics } from '../../src/train/types.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { temporaryFolder } from './support.ts';

const root = temporaryFolder();

describe('epochsWithoutImprovement', () => {
  const rows = (...val: [loss: number, acc: number][]) =>
    val.flatMap(([loss, acc], epoch) => {
      const shared = { epoch, lr: 1, seconds: 1, imagesPerSecond: 1 };
      return [
        { ...shared, phase: 'train', loss: 1 / (epoch + 1), acc: 1 },
        { ...shared, phase: 'val', loss, acc },
      ] as PhaseMetrics[];
    });

  test.each<[number, [number, number][]]>([
    [0, []],
    [0, [[1, 0.5]]],
    [
      1,
      [
        [1, 0.5],
        [1, 0.5],
      ],
    ],
    [
      0,
      [
        [1, 0.5],
        [0.9, 0.4],
      ],
    ],
    [
      0,
      [
        [1, 0.5],
        [1.1, 0.6],
      ],
    ],
    [
      2,
      [
        [1, 0.5],
        [0.9, 0.6],
        [0.95, 0.6],
        [0.9, 0.55],
      ],
    ],
  ])('%i after %j', (wanted, val) => {
    expect(epochsWithoutImprovement(rows(...val))).toBe(wanted);
  });
});

test('a fingerprint tells which class folders differ', () => {
  const data = join(root, 'data');
  for (const folder of ['train/a', 'train/b', 'val/a', 'val/b']) {
    mkdirSync(join(data, folder), { recursive: true });
    for (const name of ['1.png', '2.png']) writeFileSync(join(data, folder, name), folder + name);
  }
  const then = fingerprintOf(openPictures(data));
  expect(differences(then, fingerprintOf(openPictures(data)))).toEqual([]);
  renameSync(join(data, 'train/a/1.png'), join(data, 'train/a/3.png'));
  writeFileSync(join(data, 'train/b/2.png'), 'longer than before');
  writeFileSync(join(data, 'val/b/3.png'), 'one more');
  mkdirSync(join(data, 'train/c'));
  mkdirSync(join(data, 'val/c'));
  for (const split of ['train', 'val']) writeFileSync(join(data, split, 'c/1.png'), 'c');
  expect(differences(then, fingerprintOf(openPictures(data)))).toEqual([
    'train/a (2 files, but other names or sizes)',
    'train/b (2 files, but other names or sizes)',
    'train/c (new)',
    'val/b (2 files then, 3 now)',
    'val/c (new)',
  ]);
});

describe('the thread that saves', () => {
  const checkpoint = () => ({
    tensors: new Map([['a', { shape: [3], data: Float32Array.of(1, 2, 3) }]]),
    metadata: { own: 'x' },
  });
  const jobIn = (folder: string) => ({
    last: { path: join(folder, 'last.safetensors'), checkpoint: checkpoint() },
    best: { epoch: 2, acc: 0.5 },
    bestFile: { path: join(folder, 'best.safetensors'), checkpoint: checkpoint(), inLast: true },
  });

  test('writes both files and tells the hash of the best', async () => {
    const thread = new SaveThread();
    await thread.start(jobIn(root), []);
    const sha256 = await thread.finish();
    await thread.close();
    const { metadata, tensors } = readCheckpoint(join(root, 'last.safetensors'));
    expect(JSON.parse(metadata.best!)).toEqual({ epoch: 2, acc: 0.5, sha256 });
    expect(metadata.own).toBe('x');
    expect(tensors.get('a')!.data).toEqual(Float32Array.of(1, 2, 3));
    expect(readCheckpoint(join(root, 'best.safetensors')).metadata).toEqual({ own: 'x' });
  });

  test('best weights that are not in last.safetensors are written first; alone they do not keep a folder', async () => {
    const folder = join(root, 'first');
    // A folder where last.safetensors would be: it cannot be written.
    mkdirSync(join(folder, 'last.safetensors'), { recursive: true });
    const job = jobIn(folder);
    const untrained = { ...checkpoint(), metadata: { epoch: 'before training' } };
    const thread = new SaveThread();
    await thread.start({ ...job, bestFile: { ...job.bestFile, checkpoint: untrained, inLast: false } }, []);
    await expect(thread.finish()).rejects.toThrow('last.safetensors');
    await thread.close();
    rmSync(join(folder, 'last.safetensors'), { recursive: true });
    expect(readdirSync(folder)).toEqual(['best.safetensors']);
    expect(() => checkUnused(folder)).not.toThrow();
    writeFileSync(join(folder, 'best.safetensors'), 'of another epoch');
    expect(() => checkUnused(folder)).toThrow('already holds a run');
  });

  test('an error is that of the next start, and names the file', async () => {
    const thread = new SaveThread();
    const missing = join(root, 'missing');
    await thread.start(jobIn(missing), []);
    await expect(thread.start(jobIn(root), [])).rejects.toThrow(
      `${join(missing, 'last.safetensors')}: its folder does not exist`,
    );
    await thread.close();
  });
});
