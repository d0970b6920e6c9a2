/** TensorBoard's event files, read back by an independent reader; runs that go on have no step twice. */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { joinReporters, type Reporter, type RunStart, TensorBoardReporter } from '../../../src/train/index.ts';
import { readEventFile, scalars } from './read-events.ts';

const root = mkdtempSync(join(tmpdir(), 'dawngrad-tensorboard-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const STEPS = 3;

function folderOf(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ lr: 0.001, mode: 'a|b' }));
  return folder;
}

/** Tells a reporter of a run's steps: from a position to an epoch and step where the process ends. */
function play(folder: string, resumed: RunStart['resumed'], until: { epoch: number; steps: number }): void {
  const reporter = new TensorBoardReporter();
  reporter.started({ folder, steps: { train: STEPS, val: 1 }, ...(resumed && { resumed }) } as RunStart);
  const from = resumed ?? { epoch: 0, phase: 'train', step: 0 };
  for (let epoch = from.epoch; epoch <= until.epoch; epoch++) {
    const first = epoch > from.epoch ? 0 : from.phase === 'val' ? STEPS : from.step;
    const last = epoch === until.epoch ? until.steps : STEPS;
    for (let step = first; step < last; step++) {
      reporter.stepDone({ epoch, phase: 'train', step, loss: 1 / (1 + epoch * STEPS + step) } as never);
    }
    if (last < STEPS) break;
    const row = { epoch, loss: 0.5, acc: 0.25, lr: 0.001 } as never as Parameters<TensorBoardReporter['phaseEnded']>[0];
    if (first < STEPS) reporter.phaseEnded({ ...row, phase: 'train' });
    reporter.stepDone({ epoch, phase: 'val', step: 0, loss: 9 } as never);
    reporter.phaseEnded({ ...row, phase: 'val' });
  }
  reporter.close();
}

function readFolder(folder: string) {
  const names = readdirSync(folder).filter((name) => name.includes('tfevents'));
  return names.sort().map((name) => readEventFile(readFileSync(join(folder, name))));
}

const expected = (epochs: number) =>
  Array.from({ length: epochs }, (_, epoch) => [
    ...Array.from({ length: STEPS }, (_, step) => {
      const at = epoch * STEPS + step;
      return ['loss/train-step', at, Math.fround(1 / (1 + at))];
    }),
    ...[
      ['loss/train', epoch, 0.5],
      ['acc/train', epoch, 0.25],
      ['lr', epoch, Math.fround(0.001)],
    ],
    ...[
      ['loss/val', epoch, 0.5],
      ['acc/val', epoch, 0.25],
    ],
  ]).flat();

/** protobuf-es prints the shortest decimal of a float32. */
const rounded = (found: readonly (readonly [string, number, number])[]) =>
  found.map(([tag, step, value]) => [tag, step, Math.fround(value)]);

test('a run has its settings as a text, and every step and epoch as scalars', () => {
  const folder = folderOf('whole');
  play(folder, undefined, { epoch: 1, steps: STEPS });
  const [[version, settings, ...rest] = []] = readFolder(folder);
  expect(version).toEqual({ wallTime: expect.closeTo(Date.now() / 1000, -2), fileVersion: 'brain.Event:2' });
  const [text] = settings!.summary!.value;
  expect(text).toMatchObject({
    tag: 'settings',
    tensor: { dtype: 7, tensorShape: { dim: [{ size: '1' }] } },
    metadata: { pluginData: { pluginName: 'text' } },
  });
  const markdown = Buffer.from(text!.tensor.stringVal![0]!, 'base64').toString();
  expect(markdown).toBe('| setting | value |\n|---|---|\n| lr | 0.001 |\n| mode | "a\\|b" |');
  expect(rounded(scalars(rest))).toEqual(expected(2));
});

test.each([
  ['in the middle of an epoch', { epoch: 1, phase: 'train', step: 1 }, { epoch: 1, steps: 2 }],
  ['before val', { epoch: 1, phase: 'val', step: 0 }, { epoch: 2, steps: 1 }],
  ['at the start of an epoch', { epoch: 1, phase: 'train', step: 0 }, { epoch: 1, steps: 2 }],
] as const)('a run that goes on %s has no step twice', (name, position, died) => {
  const folder = folderOf(name);
  play(folder, undefined, died);
  const [file] = readdirSync(folder).filter((one) => one.includes('tfevents'));
  // The process was killed in the middle of a write.
  appendFileSync(join(folder, file!), Buffer.from([80, 0, 0, 0, 0, 0, 0]));
  play(folder, { ...position, changes: [] }, { epoch: 2, steps: STEPS });
  const files = readFolder(folder);
  expect(files).toHaveLength(2);
  expect(rounded(scalars(files.flat()))).toEqual(expected(3));
});

test('a folder that cannot be written is told once, and the run goes on', () => {
  const reasons: string[] = [];
  const calls: string[] = [];
  const other: Reporter = { started: () => calls.push('started'), stepDone: () => calls.push('step') };
  const events = new TensorBoardReporter({ onFailure: (reason) => reasons.push(reason) });
  const reporter = joinReporters(other, events);
  reporter.started!({ folder: join(root, 'missing'), steps: { train: 1, val: 1 } } as RunStart);
  reporter.stepDone!({ epoch: 0, phase: 'train', step: 0, loss: 1 } as never);
  reporter.picturesDrawn!([]);
  expect(calls).toEqual(['started', 'step']);
  expect(reasons).toEqual([expect.stringMatching(/^TensorBoard's events are no longer written \(ENOENT/)]);
});
