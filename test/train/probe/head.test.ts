/** The last layer of a probe against the same descent in double on the host. */
import { expect } from 'vitest';
import { graphSize } from '../../../src/autograd/index.ts';
import { Generator } from '../../../src/data/index.ts';
import { type FeatureSet, Head, type HeadEpoch, type HeadOptions } from '../../../src/train/probe/head.ts';
import { withGpu } from '../../support/gpu.ts';

const opened = await withGpu();
const { gpuTest } = opened;

const WIDTH = 5;
const CLASSES = 3;
const random = new Generator(3);
const numbers = (count: number, around = 0) => Float32Array.from({ length: count }, () => around + random.rand() - 0.5);

function set(rows: number): FeatureSet {
  return {
    features: numbers(rows * WIDTH, 4),
    labels: Uint32Array.from({ length: rows }, (_, i) => i % CLASSES),
  };
}

const OPTIONS: HeadOptions = {
  ...{ width: WIDTH, train: set(7), val: set(4), lr: 0.5, momentum: 0.9, weightDecay: 0.1 },
  initial: { weight: numbers(CLASSES * WIDTH), bias: numbers(CLASSES) },
};

interface Told {
  readonly train: number;
  readonly val: number;
  readonly weight: number[];
  readonly bias: number[];
}

async function read({ train, val, weight, bias }: HeadEpoch): Promise<Told> {
  const mean = async ({ parts }: HeadEpoch['train']) => {
    const losses = await Promise.all(
      parts.map(async ({ loss, share }) => new Float32Array(await loss.get())[0]! * share),
    );
    return losses.reduce((a, b) => a + b);
  };
  const list = async (of: HeadEpoch['weight']) => [...new Float32Array(await of.get())];
  return { train: await mean(train), val: await mean(val), weight: await list(weight), bias: await list(bias) };
}

async function run(epochs: number, partBytes?: number, options: Partial<HeadOptions> = {}): Promise<Told[]> {
  const head = new Head(opened.gpu, { ...OPTIONS, ...options }, partBytes);
  const told: Told[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) told.push(await read(head.epoch()));
  head.dispose();
  expect(opened.gpu.pool.liveBytes).toBe(0);
  expect(graphSize(opened.gpu)).toBe(0);
  return told;
}

/** Mean cross-entropy of a layer, and its gradient. */
function loss({ features, labels }: FeatureSet, weight: readonly number[], bias: readonly number[]) {
  const gradient = { weight: weight.map(() => 0), bias: bias.map(() => 0) };
  let sum = 0;
  for (const [i, label] of labels.entries()) {
    const x = features.subarray(i * WIDTH, (i + 1) * WIDTH);
    const scores = bias.map((b, c) => x.reduce((total, value, j) => total + value * weight[c * WIDTH + j]!, b));
    const total = scores.reduce((all, score) => all + Math.exp(score), 0);
    sum += Math.log(total) - scores[label]!;
    for (const [c, score] of scores.entries()) {
      const error = (Math.exp(score) / total - (c === label ? 1 : 0)) / labels.length;
      gradient.bias[c]! += error;
      for (let j = 0; j < WIDTH; j++) gradient.weight[c * WIDTH + j]! += error * x[j]!;
    }
  }
  return { mean: sum / labels.length, gradient };
}

/** The same descent, written out: standardised features, decay of the weights only. */
function expected(epochs: number): Told[] {
  const { train, val, initial, lr, momentum, weightDecay } = OPTIONS;
  const column = (j: number) => Array.from(train.labels, (_, i) => train.features[i * WIDTH + j]!);
  const means = Array.from({ length: WIDTH }, (_, j) => column(j).reduce((a, b) => a + b) / train.labels.length);
  const squares = train.features.reduce((sum, value, i) => sum + (value - means[i % WIDTH]!) ** 2, 0);
  const scale = 1 / Math.sqrt(squares / train.features.length);
  const features = train.features.map((value, i) => (value - means[i % WIDTH]!) * scale);
  const weight = Array.from(initial.weight, (value) => value / scale);
  const shift = (of: readonly number[], c: number) =>
    means.reduce((sum, mean, j) => sum + mean * of[c * WIDTH + j]!, 0);
  const bias = Array.from(initial.bias, (value, c) => value + shift([...initial.weight], c));
  const [weightStep, biasStep] = [weight.map(() => 0), bias.map(() => 0)];
  return Array.from({ length: epochs }, () => {
    const { mean, gradient } = loss({ ...train, features }, weight, bias);
    for (let i = 0; i < weight.length; i++) {
      weightStep[i] = momentum * weightStep[i]! + gradient.weight[i]! + weightDecay * weight[i]!;
      weight[i]! -= lr * weightStep[i]!;
    }
    for (let c = 0; c < CLASSES; c++) {
      biasStep[c] = momentum * biasStep[c]! + gradient.bias[c]!;
      bias[c]! -= lr * biasStep[c]!;
    }
    const own = weight.map((value) => value * scale);
    const ownBias = bias.map((value, c) => value - shift(own, c));
    return { train: mean, val: loss(val, own, ownBias).mean, weight: own, bias: ownBias };
  });
}

function expectClose(told: readonly Told[], wanted: readonly Told[]): void {
  const flat = (all: readonly Told[]) =>
    all.flatMap(({ train, val, weight, bias }) => [train, val, ...weight, ...bias]);
  const [a, b] = [flat(told), flat(wanted)];
  expect(a.length).toBe(b.length);
  for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i]!, 4);
}

gpuTest('learns as the formulas say, and what it keeps is for the features as they are', async () => {
  expectClose(await run(12), expected(12));
});

gpuTest('features in several parts give the same epochs', async () => {
  // Three rows in a part: 3 + 3 + 1 to learn from, 3 + 1 of val.
  expectClose(await run(4, 3 * WIDTH * 4), expected(4));
});

gpuTest('weights of classes count alike in one part and in several', async () => {
  const criterion = { classWeights: [1, 3, 1e-9], labelSmoothing: 0 };
  const [whole, parts] = [await run(6, undefined, { criterion }), await run(6, 3 * WIDTH * 4, { criterion })];
  expectClose(parts, whole);
  expect(whole.at(-1)!.train).toBeLessThan(whole[0]!.train);
  const plain = await run(6);
  expect(Math.abs(whole[5]!.bias[2]! - plain[5]!.bias[2]!)).toBeGreaterThan(0.1);
});
