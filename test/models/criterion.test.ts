/** The loss of train steps against its formula in double precision; verify compares more of them with torch's. */
import { describe, expect } from 'vitest';
import { scope, Tensor } from '../../src/autograd/index.ts';
import { type Criterion, type Targets, trainLoss } from '../../src/models/criterion.ts';
import { withGpu } from '../support/gpu.ts';

const { gpu, gpuTest } = await withGpu();

const LOGITS = [
  [1.5, -0.25, 0.5],
  [0, 2, -1],
  [-1, 0.5, 3],
  [0.25, 0.5, -2],
];
const LABELS = Int32Array.of(0, 2, 2, 1);

async function ours(targets: Targets, criterion?: Criterion) {
  const [loss, counted] = scope(() => {
    const logits = Tensor.from(gpu, Float32Array.from(LOGITS.flat()), [4, 3]);
    const own = Tensor.from(gpu, Uint32Array.from(targets.labels), [4]);
    const result = trainLoss(logits, own, targets, criterion);
    return [result.loss.readback(), result.counted.readback()] as const;
  });
  return { loss: new Float32Array(await loss.get())[0]!, counted: [...new Uint32Array(await counted.get())] };
}

/** torch's cross entropy with class indices: smoothed, weighted, divided by the sum of the labels' weights. */
function crossEntropy(labels: readonly number[], smoothing = 0, weights: readonly number[] = [1, 1, 1]): number {
  let [sum, divisor] = [0, 0];
  for (const [row, label] of labels.entries()) {
    const logits = LOGITS[row]!;
    const log = Math.log(logits.reduce((total, value) => total + Math.exp(value), 0));
    for (const [c, value] of logits.entries()) {
      const target = (c === label ? 1 - smoothing : 0) + smoothing / 3;
      sum += target * weights[c]! * (log - value);
    }
    divisor += weights[label]!;
  }
  return sum / divisor;
}

describe('the loss of a step', () => {
  const other = [1, 0, 2, 2];
  const weights = [0.5, 2, 3.25];
  gpuTest('is plain cross entropy by default', async () => {
    const { loss, counted } = await ours({ labels: LABELS });
    expect(loss).toBeCloseTo(crossEntropy([...LABELS]), 6);
    expect(counted).toEqual([...LABELS]);
  });

  gpuTest('has weights and smoothed labels', async () => {
    const { loss } = await ours({ labels: LABELS }, { labelSmoothing: 0.1, classWeights: weights });
    expect(loss).toBeCloseTo(crossEntropy([...LABELS], 0.1, weights), 5);
  });

  gpuTest('of mixed pictures is that of both labels by their shares, and the larger one counts', async () => {
    for (const mix of [0.75, 0.2]) {
      const { loss, counted } = await ours({ labels: LABELS, mix }, { labelSmoothing: 0.1, classWeights: weights });
      const [own, mixed] = [[...LABELS], other].map((labels) => crossEntropy(labels, 0.1, weights));
      expect(loss).toBeCloseTo(mix * own! + (1 - mix) * mixed!, 5);
      expect(counted).toEqual(mix < 0.5 ? other : [...LABELS]);
    }
  });
});
