/** A failure is a typed error that names the remedy, and it loses no earlier results. */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failureLines } from '../../src/cli/train.ts';
import { FileError, UsageError } from '../../src/errors.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { DeviceLostError, OutOfMemoryError } from '../../src/gpu/errors.ts';
import { startFrom } from '../../src/models/start.ts';
import { findLearningRate, NonFiniteLossError, openPictures, train } from '../../src/train/index.ts';
import { checkOutside } from '../../src/train/run-folder.ts';
import { readSafetensors, type TensorData } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const opened = await withGpu();
const { gpuTest } = opened;
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));

/** A copy of the pictures with a change. */
function changedPictures(name: string, change: (folder: string) => void): string {
  const folder = join(root, name);
  cpSync(data, folder, { recursive: true });
  change(folder);
  return folder;
}

test('train and val with different classes: the error names the classes that only one folder has', () => {
  const folder = changedPictures('renamed', (at) => renameSync(join(at, 'val', 'discs'), join(at, 'val', 'dots')));
  expect(() => openPictures(folder)).toThrow(FileError);
  expect(() => openPictures(folder)).toThrow(
    /renamed: train and val must hold the same classes.*discs only in .*train; dots only in .*val/,
  );
  const more = changedPictures('more', (at) =>
    cpSync(join(at, 'val', 'discs'), join(at, 'val', 'dots'), { recursive: true }),
  );
  expect(() => openPictures(more)).toThrow(/found dots only in .*val\./);
});

test('refuses a folder without val, and one with a single class', () => {
  const withoutVal = join(root, 'no-val');
  cpSync(join(data, 'train'), join(withoutVal, 'train'), { recursive: true });
  expect(() => openPictures(withoutVal)).toThrow(/val: expected a folder of pictures, but there is nothing/);
  const single = join(root, 'single');
  for (const phase of ['train', 'val']) {
    cpSync(join(data, phase, 'discs'), join(single, phase, 'discs'), { recursive: true });
  }
  expect(() => openPictures(single)).toThrow(/train: expected two or more classes, found only discs/);
});

gpuTest(
  'a loss that is not finite stops the run, and the error names epoch and step',
  async () => {
    const run = train({ data, ...TINY, lr: 1e30, gpu: opened.gpu, out: join(root, 'run-nan') });
    const error = await run.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NonFiniteLossError);
    expect(error).toMatchObject({ epoch: 0, phase: 'train' });
    expect((error as NonFiniteLossError).step).toBeGreaterThan(0);
    expect((error as Error).message).toMatch(
      /The loss became (NaN|Infinity) in epoch 0, train step [12] .*smaller learning rate/,
    );
    expect(existsSync(join(root, 'run-nan', 'summary.json'))).toBe(false);
    expect(opened.gpu.pool.liveBytes).toBe(0);
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a lost device ends the run, and the last checkpoint is complete',
  async () => {
    const gpu = await openGpu();
    const out = join(root, 'run-lost');
    const reporter = { epochEnded: () => gpu.device.destroy() };
    await expect(train({ data, ...TINY, gpu, out, reporter })).rejects.toThrow(DeviceLostError);
    gpu.close();
    const { tensors, metadata } = readSafetensors(join(out, 'best.safetensors'));
    expect(metadata).toMatchObject({ epoch: '0' });
    expect(tensors.size).toBe(122);
    expect(readJsonLines(out, 'metrics.jsonl')).toHaveLength(2);
    expect(existsSync(join(out, 'summary.json'))).toBe(false);
  },
  TRAINING_TIMEOUT,
);

test('a run folder is never used twice', async () => {
  const used = join(root, 'used');
  mkdirSync(used);
  writeFileSync(join(used, 'best.safetensors'), 'precious');
  const run = train({ data, ...TINY, out: used });
  await expect(run).rejects.toThrow(UsageError);
  await expect(run).rejects.toThrow(/used: already holds a run \(best\.safetensors\), which was left as it is/);
  expect(readFileSync(join(used, 'best.safetensors'), 'utf8')).toBe('precious');
});

test('refuses invalid options', async () => {
  const base = { data, ...TINY };
  await expect(train({ ...base, epochs: 1.5 })).rejects.toThrow(
    /epochs: expected a whole number of at least 1, found 1.5/,
  );
  await expect(train({ ...base, lr: Number.NaN })).rejects.toThrow(/lr: expected a number of at least 0, found NaN/);
  await expect(train({ ...base, mode: 'both' as 'extract' })).rejects.toThrow(/mode: expected finetune or extract/);
});

test('an out-of-memory error gives advice and the path of the best weights', () => {
  const error = new OutOfMemoryError('could not allocate 1 GiB');
  expect(failureLines(error, join(root, 'nowhere'), 32)).toEqual([
    'train: The GPU is out of memory: could not allocate 1 GiB. Use a smaller batch.',
    'Try --batch-size 16.',
  ]);
  expect(failureLines(error, join(root, 'nowhere'), 1)[1]).toMatch(/--mode extract/);
  const out = join(root, 'with-best');
  mkdirSync(out);
  writeFileSync(join(out, 'best.safetensors'), '');
  // Alone it holds the weights before training.
  expect(failureLines(error, out)).toHaveLength(2);
  writeFileSync(join(out, 'last.safetensors'), '');
  const goOn = `Go on from the last saved state with --resume ${out}.`;
  expect(failureLines(error, out)).toContain(goOn);
  // Resumed, a full device may work the next time; a wrong file does not.
  expect(failureLines(error, out, 1, true)).toContain(goOn);
  expect(failureLines(new FileError('last.safetensors: cut off'), out, 1, true)).not.toContain(goOn);
  expect(failureLines(error, out)).toContain(`The best weights so far are in ${join(out, 'best.safetensors')}.`);
});

/** A checkpoint of zeros with these names and shapes. */
function checkpoint(entries: Record<string, readonly number[]>, metadata: Record<string, string> = {}) {
  const tensors = new Map<string, TensorData>();
  for (const [name, shape] of Object.entries(entries)) {
    tensors.set(name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  }
  return { tensors, metadata };
}

/** The first convolution of each residual block. */
function residualBlocks(depths: readonly number[]): Record<string, readonly number[]> {
  const blocks = depths.flatMap((depth, i) => Array.from({ length: depth }, (_, at) => `layer${i + 1}.${at}`));
  return Object.fromEntries(blocks.map((block) => [`${block}.conv1.weight`, [1]]));
}

test('a last layer is loaded only if it fits these classes', () => {
  const body = residualBlocks([2, 2, 2, 2]);
  const fc = (outputs: number) => ({ ...body, 'fc.weight': [outputs, 512] });
  const start = (entries: Record<string, readonly number[]>, classes?: string) =>
    startFrom('a.pth', checkpoint(entries, classes === undefined ? {} : { classes }), ['ants', 'bees']);
  expect(start(fc(1000))).toMatchObject({ loadsLastLayer: false, architecture: 'resnet18' });
  expect(start(fc(1000)).description).toBe(
    'a.pth (resnet18), without its last layer: it has 1000 outputs, but the data has 2 classes. A new one is drawn.',
  );
  expect(start(body).description).toMatch(/without its last layer: the file has none/);
  expect(start(fc(2))).toMatchObject({ loadsLastLayer: true });
  expect(start(fc(2), '["ants","bees"]')).toMatchObject({ loadsLastLayer: true });
  expect(start(fc(2), '["cats","dogs"]').description).toMatch(
    /it is for the classes cats, dogs, but the data has ants, bees/,
  );
  // Another program may have an entry of that name.
  expect(start(fc(2), 'some classes')).toMatchObject({ loadsLastLayer: true });
  expect(start({ ...fc(2), ...residualBlocks([3, 4, 6, 3]) })).toMatchObject({ architecture: 'resnet34' });
});

test('weights of another network are refused with an error that names the file', () => {
  expect(() => startFrom('a.pth', checkpoint({ 'features.0.weight': [1] }), ['a', 'b'])).toThrow(
    /a\.pth: expected the weights of a known network under torchvision's or timm's names, found 1 other tensors.*resnet18, /,
  );
  const deeper = checkpoint(residualBlocks([3, 4, 9, 3]));
  expect(() => startFrom('a.pth', deeper, ['a', 'b'])).toThrow(/found those of a similar one, of other depth or width/);
});

test('a run folder among the pictures is refused, as the next run would take it for a class', async () => {
  const classes = join(data, 'train');
  const among: [string, string][] = [
    [classes, join(classes, 'run1')],
    [data, join(data, 'train', 'discs', 'run1')],
  ];
  for (const [pictures, out] of among) {
    const refused = /run1: expected a run folder \(--out\) outside the pictures of .*choose another folder/;
    await expect(train({ data: pictures, out })).rejects.toThrow(refused);
    await expect(findLearningRate({ data: pictures, out })).rejects.toThrow(refused);
    expect(existsSync(out)).toBe(false);
  }
  for (const out of [join(data, 'run1'), join(data, '.runs'), `${data}-run`]) {
    expect(() => checkOutside(data, out)).not.toThrow();
  }
});
