/** A last.safetensors that was damaged, or made by a stranger: one error that names it, before any step. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DawngradError, UsageError } from '../../src/errors.ts';
import { IMAGENET_INPUT } from '../../src/input-spec.ts';
import { resumeTraining, train } from '../../src/train/index.ts';
import { readCheckpoint, writeSafetensors } from '../../src/weights/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, readJsonLines, TINY, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));
const KEY = 'dawngrad.training';

/** Sets a value by its path in the metadata: `extra.position.epoch`. */
type Change = readonly [path: string, value: unknown];

const CHANGES: readonly Change[] = [
  ['extra.mode', 'toString'],
  ['extra.settings', {}],
  ['extra.settings', []],
  ['extra.settings.lr', 'x'],
  ['extra.settings.batchSize', 0],
  ['extra.settings.imageSize', 1e9],
  ['extra.input', { ...IMAGENET_INPUT, crop: 32, std: [0.2, 0, 0.2] }],
  ['extra.input', IMAGENET_INPUT],
  ['extra.data', 5],
  ['extra.weights', 5],
  ['extra.weights', { file: 5 }],
  ['extra.demo', 'yes'],
  ['extra.classes', ['a']],
  ['extra.classes', [1, {}]],
  ['extra.start', {}],
  ['extra.start.architecture', 'toString'],
  ['extra.start.architecture', 'resnet999'],
  ['extra.fingerprint', { 'train/discs': 1 }],
  ['extra.skipped', 5],
  ['extra.skipped', ['zzz']],
  ['extra.onDivergence', 'q'],
  ['extra.firstLoss', 'NaN'],
  ['extra.position', null],
  ['extra.position.epoch', -1],
  ['extra.position.epoch', 0],
  ['extra.position.epoch', 1e300],
  ['extra.position.phase', 'test'],
  ['extra.position.phase', 'val'],
  ['extra.position.done', 5],
  ['extra.position.done', {}],
  ['extra.position.done', { step: 1.5, images: 2, lossSum: 1, correctSum: 1, seconds: 1 }],
  ['extra.position.done', { step: 1e9, images: 2, lossSum: 1, correctSum: 1, seconds: 1 }],
  ['extra.position.done', { step: 1, images: 2, lossSum: '1', correctSum: 1, seconds: 1 }],
  ['extra.metrics', [null]],
  ['extra.metrics', [{}]],
  ['extra.metrics', []],
  ['extra.metrics.0.loss', '\u001b[31m'],
  ['extra.metrics.0.epoch', 7],
  ['extra.segments', [5]],
  ['extra.segments', [null]],
  ['extra.seconds', -1],
  ['version', 2],
  ['version', null],
  ['optimizer', 5],
  ['optimizer.lr', 'x'],
  ['scheduler', {}],
  ['generator', 5],
  ['generator', { x: 1 }],
  ['generator.words', 'x'],
  ['generator.words', '****'],
  ['generator.next', 1e9],
];

/** What a changed file must be called; without tensors, as far as the change is found before they are read. */
function expectedOf([path]: Change): { message: string; tensors: boolean } {
  if (path.startsWith('extra.')) return { message: 'its metadata dawngrad.training is damaged (', tensors: false };
  if (path === 'version') return { message: '', tensors: false };
  return { message: '', tensors: true };
}

gpuTest(
  `${CHANGES.length} changes are refused in one line that names the file, and nothing is changed`,
  async () => {
    const out = join(root, 'run');
    await train({ ...TINY, data, epochs: 1, out, pictures: false });
    const file = join(out, 'last.safetensors');
    const { tensors, metadata } = readCheckpoint(file);
    const rest = readdirSync(out).sort();
    for (const one of CHANGES) {
      const [path, value] = one;
      const expected = expectedOf(one);
      const saved: unknown = JSON.parse(metadata[KEY]!);
      const names = path.split('.');
      const last = names.pop()!;
      let place = saved as Record<string, unknown>;
      for (const name of names) place = place[name] as Record<string, unknown>;
      place[last] = value;
      const changed = { ...metadata, [KEY]: JSON.stringify(saved) };
      writeSafetensors(file, { tensors: expected.tensors ? tensors : new Map(), metadata: changed });
      const before = readFileSync(file);
      const error = await resumeTraining(out, { epochs: 2, pictures: false, gpu }).catch((caught: unknown) => caught);
      const what = `${path} = ${JSON.stringify(value)}`;
      expect(error, what).toBeInstanceOf(Error);
      const { message, stack } = error as Error;
      expect(error, `${what}: ${stack}`).toBeInstanceOf(DawngradError);
      expect(error, what).not.toBeInstanceOf(UsageError);
      expect(message, what).toMatch(file);
      expect(message, what).toContain(expected.message);
      expect(message.length, what).toBeLessThan(400);
      expect(readFileSync(file).equals(before), what).toBe(true);
      expect(readdirSync(out).sort(), what).toEqual(rest);
    }
  },
  TRAINING_TIMEOUT,
);

gpuTest(
  'a run that patience ended has ended, also where a crash came before its summary; another patience goes on',
  async () => {
    const out = join(root, 'patience');
    // Nothing is learnt, so val never improves after the first epoch.
    const options = { ...TINY, data, epochs: 4, lr: 0, patience: 1, mode: 'extract', pictures: false } as const;
    const { summary } = await train({ ...options, momentum: 0, out });
    const rows = () => readJsonLines(out, 'metrics.jsonl').length;
    const length = rows();
    expect(summary).toMatchObject({ stoppedEarly: true, interrupted: false });
    await expect(resumeTraining(out)).rejects.toThrow(
      /has ended after its epoch \d, because val had not improved for 1/,
    );
    rmSync(join(out, 'summary.json'));
    expect((await resumeTraining(out, { pictures: false })).summary).toMatchObject({ stoppedEarly: true });
    expect(rows()).toBe(length);
    expect(existsSync(join(out, 'summary.json'))).toBe(true);
    expect((await resumeTraining(out, { patience: 0, pictures: false })).summary).toMatchObject({ epochs: 4 });
    expect(rows()).toBe(8);
  },
  TRAINING_TIMEOUT,
);
