/**
 * Inverted residuals of the three families, with and without expansion, squeeze and excitation, a residual and stochastic
 * depth, forward and backward, against torchvision's.
 */
import { describe, expect } from 'vitest';
import { backward } from '../../src/autograd/backward.ts';
import { graphSize, noGrad } from '../../src/autograd/graph.ts';
import type { Tensor } from '../../src/autograd/tensor.ts';
import { efficientNetBlock } from '../../src/models/efficientnet.ts';
import type { InvertedResidual } from '../../src/models/inverted-residual.ts';
import { mobileNetV2Block } from '../../src/models/mobilenet-v2.ts';
import { mobileNetV3Block } from '../../src/models/mobilenet-v3.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { type Dense, hostEntries, upload } from '../nn/support.ts';
import { findDifference } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';
import { scaleGradient } from '../support/tamper.ts';
import { goldenModels } from './support.ts';

interface Golden {
  readonly state: Record<string, Dense>;
  readonly input: Dense;
  readonly output: Dense;
  /** torch.rand(1) after the forward pass. */
  readonly next: number;
  readonly seed: Dense;
  readonly input_grad: Dense;
  readonly grads: Record<string, Dense>;
  readonly running: Record<string, Dense>;
  readonly eval_output: Dense;
}

const { gpuTest, gpu } = await withGpu();

/** Chains of three batch norms over a few dozen values each, whose sums come in another order than torch's. */
const TOLERANCE = { atol: 5e-5, rtol: 5e-5 };

const goldens = goldenModels<Record<string, Golden>>('mobile-blocks');
/** Seed of the generator before the forward pass. */
const SEED = 7;

const v2 = (inChannels: number, channels: number, stride: number, expansion: number) =>
  mobileNetV2Block(gpu, inChannels, channels, { expansion, stride }, { init: 'skip' });
const v3 = (...[inChannels, kernel, width, channels, squeeze, activation, stride]: V3) =>
  mobileNetV3Block(gpu, inChannels, { kernel, width, channels, squeeze, activation, stride }, { init: 'skip' });
type V3 = [number, number, number, number, boolean, 'relu' | 'hardswish', number];
const mb = (random: Generator, p: number, ...[expansion, kernel, stride, inChannels, channels]: number[]) =>
  efficientNetBlock(
    gpu,
    inChannels!,
    { expansion: expansion!, kernel: kernel!, channels: channels!, stride: stride!, p },
    { init: 'skip', random },
  );

const BLOCKS: Record<string, (random: Generator) => InvertedResidual> = {
  'v2 without expansion': () => v2(8, 6, 1, 1),
  'v2 residual': () => v2(6, 6, 1, 3),
  'v2 stride': () => v2(6, 4, 2, 2),
  'v3 residual': () => v3(8, 3, 16, 8, false, 'relu', 1),
  'v3 squeeze': () => v3(8, 5, 16, 8, true, 'hardswish', 2),
  'v3 without expansion': () => v3(8, 3, 8, 8, true, 'relu', 1),
  mbconv: (random) => mb(random, 0, 2, 3, 2, 8, 16),
  'mbconv residual with depth': (random) => mb(random, 0.4, 2, 5, 1, 8, 8),
};

function build(name: string, random: Generator): InvertedResidual {
  const block = BLOCKS[name]!(random);
  block.loadStateDict(hostEntries(goldens[name]!.state));
  return block;
}

/** One step of the block, its gradients first tampered with by `tamper`: what differs from torchvision's. */
async function differences(name: string, tamper?: (input: Tensor) => Tensor): Promise<string[]> {
  const expected = goldens[name]!;
  const before = gpu.pool.liveBytes;
  const random = new Generator(SEED);
  const block = build(name, random);
  random.seed(SEED);
  const input = upload(gpu, expected.input);
  input.requiresGrad = true;
  const seed = upload(gpu, expected.seed);
  const found: string[] = [];
  const compare = (what: string, actual: ArrayLike<number>, { data }: Dense) => {
    const difference = findDifference(actual, data, TOLERANCE);
    if (difference) found.push(`${what} ${difference}`);
  };
  const taken = tamper?.(input) ?? input;
  const output = block.call(taken);
  expect(output.shape).toEqual(expected.output.shape);
  expect(random.rand()).toBe(Math.fround(expected.next));
  compare('output', await output.data(), expected.output);
  backward(output, seed);
  compare('input grad', await input.grad!.data(), expected.input_grad);
  const parameters = [...block.namedParameters()];
  expect(parameters.map(([parameter]) => parameter)).toEqual(Object.keys(expected.grads));
  for (const [parameter, { grad }] of parameters) {
    compare(`${parameter} grad`, await grad!.data(), expected.grads[parameter]!);
  }
  const state = await block.exportState();
  for (const [entry, values] of Object.entries(expected.running)) compare(entry, state.get(entry)!.data, values);
  const evaluated = noGrad(() => block.eval().call(input));
  compare('output in evaluation', await evaluated.data(), expected.eval_output);
  for (const tensor of new Set([input, taken, seed, output, evaluated, block])) tensor.dispose();
  expect([graphSize(gpu), gpu.pool.liveBytes]).toEqual([0, before]);
  return found;
}

describe.each(Object.keys(goldens))('%s', (name) => {
  gpuTest('training: output, gradients, running statistics; then evaluation', async () => {
    expect(await differences(name)).toEqual([]);
  });
});

gpuTest('the comparison sees a gradient 2 % too large', async () => {
  const found = await differences('v3 squeeze', (input) => scaleGradient(input, 1.02));
  expect(found).toEqual([expect.stringMatching(/^input grad differs/)]);
});
