/** Stochastic depth and torch's dropout masks: the draws, values and gradients of torch for the same seed; errors. */
import { describe, expect } from 'vitest';
import { backward } from '../../src/autograd/backward.ts';
import { checkGradients } from '../../src/autograd/gradcheck.ts';
import { dropout, sum } from '../../src/autograd/index.ts';
import { stochasticDepth } from '../../src/autograd/ops/stochastic-depth.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { Dropout, StochasticDepth } from '../../src/nn/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { goldenModels } from '../models/support.ts';
import { withGpu } from '../support/gpu.ts';
import { findsWrongGradients } from '../support/planted.ts';
import type { Dense } from './support.ts';

interface Golden {
  readonly p: number;
  readonly mode?: 'row' | 'batch';
  readonly output: Dense;
  /** torch.rand(1) afterwards. */
  readonly next: number;
}

const { gpuTest, gpu } = await withGpu();

const drops = Object.entries(goldenModels<Record<string, Golden>>('mobile-drops'));
const values = Float32Array.from({ length: 24 }, (_, i) => (i + 1) / 8);
const build = ({ p, mode }: Golden, random: Generator) =>
  mode ? new StochasticDepth({ p, mode, random }) : new Dropout({ p, random, masks: 'torch' });

describe.each(drops)('%s', (_, expected) => {
  gpuTest("has torch's bits, also of its gradient, and leaves the generator where torch does", async () => {
    const before = gpu.pool.liveBytes;
    const random = new Generator(3);
    const module = build(expected, random);
    const input = Tensor.from(gpu, values, [6, 2, 2]);
    input.requiresGrad = true;
    const output = module.call(input);
    const golden = Float32Array.from(expected.output.data);
    expect(await output.data()).toEqual(golden);
    expect(random.rand()).toBe(Math.fround(expected.next));
    const total = sum(output);
    backward(total);
    const factors = golden.map((value, i) => value / values[i]!);
    const grad = await input.grad!.data();
    for (const [i, factor] of factors.entries()) expect(grad[i]).toBeCloseTo(factor, 6);
    for (const tensor of [input, output, total]) tensor.dispose();
    input.zeroGrad();
    expect(gpu.pool.liveBytes).toBe(before);
  });

  gpuTest('does nothing and draws nothing in evaluation mode', async () => {
    const random = new Generator(3);
    const module = build(expected, random).eval();
    const input = Tensor.from(gpu, values, [6, 2, 2]);
    const output = module.call(input);
    expect(await output.data()).toEqual(values);
    expect(random.drawn).toBe(0);
    output.dispose();
    expect(await input.data()).toEqual(values);
    input.dispose();
  });
});

describe('gradients', () => {
  const subject = async () => ({
    leaves: [Tensor.from(gpu, values, [6, 2, 2])].map((leaf) => {
      leaf.requiresGrad = true;
      return leaf;
    }),
    fn: (input: Tensor) => stochasticDepth(input, { p: 0.3, random: new Generator(3) }),
  });

  gpuTest('agree with finite differences', async () => {
    const { leaves, fn } = await subject();
    await checkGradients(fn, leaves);
    for (const leaf of leaves) leaf.dispose();
  });

  findsWrongGradients(gpuTest, subject as never);
});

describe('errors', () => {
  gpuTest('name the option', () => {
    const random = new Generator(0);
    expect(() => new StochasticDepth({ p: 1.5, random })).toThrow(
      'StochasticDepth: p must be a number from 0 to 1, got 1.5.',
    );
    expect(() => new StochasticDepth({ p: 0.5, mode: 'column' as never, random })).toThrow('mode must be row or batch');
    expect(() => new StochasticDepth({ p: 0.5 } as never)).toThrow('random must be a source of random numbers');
    expect(() => new Dropout({ masks: 'mine' as never, random })).toThrow('Dropout: masks must be key or torch');
    const scalar = Tensor.from(gpu, Float32Array.of(1), []);
    expect(() => stochasticDepth(scalar, { p: 0.5, random })).toThrow('got a scalar');
    expect(() => dropout(scalar, { masks: 'none' as never, random })).toThrow('dropout: masks must be');
    scalar.dispose();
  });
});
