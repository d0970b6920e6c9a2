/** Rows gathered from pieces with invented times. */
import { describe, expect, test } from 'vitest';
import type { Cost } from '../../bench/costs.ts';
import { gatherKinds, gatherRows, piecesOf, type TimedPiece } from '../../bench/profile.ts';
import { Steps } from '../../bench/steps.ts';
import { recordDispatches } from '../../bench/timing.ts';
import { openDryGpu } from '../../src/plan/index.ts';
import { CPU } from './support.ts';

const piece = (kernel: string, ms: number, cost: Partial<Cost> = {}): TimedPiece => ({
  kernel,
  kind: 'other',
  shape: '4x4',
  dispatches: [],
  ms,
  ...cost,
});

describe('rows', () => {
  const conv = { kind: 'conv forward', flops: 6e6 } as const;
  const relu = { kind: 'relu', bytes: 2e6 } as const;
  const steps = [
    [piece('conv', 3, conv), piece('relu', 1, relu), piece('relu', 3, relu)],
    [piece('conv', 90, conv), piece('relu', 1, relu), piece('relu', 2, relu)],
    [piece('conv', 2, conv), piece('relu', 2, relu), piece('relu', 3, relu)],
  ];
  const rows = gatherRows(steps);

  test('are sorted by time per step, with medians over occurrences and over steps', () => {
    const shape = '4x4';
    expect(rows).toEqual([
      // The median of 1 3 1 2 2 3 is 2; the median of the steps' 4, 3, 5 is 4.
      { ...relu, kernel: 'relu', shape, perStep: 2, ms: 2, msPerStep: 4, flops: null, gflops: null, gbs: 1 },
      // The delayed step does not count.
      { ...conv, kernel: 'conv', shape, perStep: 1, ms: 3, msPerStep: 3, bytes: null, gflops: 2, gbs: null },
    ]);
  });

  test('each shape has its own row', () => {
    const two = [piece('relu', 1), piece('relu', 1, { shape: '8x8' })];
    expect(gatherRows([two]).map((row) => row.shape)).toEqual(['4x4', '8x8']);
  });

  test('without a time there is no rate', () => {
    expect(gatherRows([[piece('relu', 0, relu)]])[0]!.gbs).toBeNull();
  });
});

test('the rate of a kind counts all its time, including kernels that only move bytes', () => {
  const rows = gatherRows([
    [
      piece('conv_grad', 3, { kind: 'conv weight grad', flops: 8e6 }),
      piece('conv_grad', 3, { kind: 'conv weight grad', flops: 8e6 }),
      piece('sum_slices', 2, { kind: 'conv weight grad', bytes: 100 }),
      piece('relu', 1, { kind: 'relu', bytes: 100 }),
    ],
  ]);
  expect(gatherKinds(rows)).toEqual([
    { kind: 'conv weight grad', pieces: 3, msPerStep: 8, gflops: 2 },
    { kind: 'relu', pieces: 1, msPerStep: 1, gflops: null },
  ]);
});

test('the pieces of a step contain all its dispatches, in order', () => {
  const gpu = openDryGpu(CPU);
  const steps = new Steps(gpu, 'finetune-step', { batchSize: 2, imageSize: 64 });
  const dispatches = recordDispatches(gpu, () => steps.submit().dispose());
  // More than four for each of the 62 parameters, as in a whole step.
  expect(dispatches.length).toBeGreaterThan(248);
  expect(piecesOf(dispatches).flatMap((one) => one.dispatches)).toEqual(dispatches);
});
