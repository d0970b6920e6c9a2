/** clipGradNorm against torch.nn.utils.clip_grad_norm_, errors planted in its kernels, and what it refuses. */
import { describe, expect } from 'vitest';
import { scope } from '../../src/autograd/index.ts';
import { Tensor } from '../../src/autograd/tensor.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { clipGradNorm } from '../../src/optim/index.ts';
import { openAs, type ShaderEdit, withGpu } from '../support/gpu.ts';
import { seesPlanted } from '../support/planted.ts';
import { clipDifferences, clips, formula } from './support.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

/** A parameter with these values as its gradient. */
function withGrad(values: readonly number[] | Float32Array, on: Gpu = gpu): Tensor {
  const parameter = Tensor.zeros(on, [values.length]);
  parameter.grad = Tensor.from(on, values as number[]);
  return parameter;
}

describe('equals torch’s', () => {
  for (const one of clips) {
    gpuTest(`for gradients of ${one.sizes.join(', ')} values, at most ${one.max_norm}`, async () => {
      const before = gpu.pool.liveBytes;
      expect(await clipDifferences(gpu, one)).toEqual([]);
      expect(gpu.pool.liveBytes).toBe(before);
    });
  }

  for (const kind of ['cpu', 'gpu'] as const) {
    gpuTest(`with the kernels for a ${kind}`, async () => {
      const other = await openAs({ kind });
      for (const one of clips) expect(await clipDifferences(other, one)).toEqual([]);
    });
  }

  gpuTest('for norms that are not finite', async () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    for (const [values, norm, clipped] of [
      [[1, nan], nan, [nan, nan]],
      [[1, infinity], infinity, [0, nan]],
    ] as const) {
      const parameter = withGrad(values);
      expect(await clipGradNorm([parameter], 1).item()).toBe(norm);
      expect([...(await parameter.grad!.data())]).toEqual(clipped);
    }
  });
});

describe('planted errors', () => {
  const PLANTED: readonly [wrong: string, what: string, edit: ShaderEdit][] = [
    ['norm', 'the squares are 2 % too large', { find: 'grad[i] * grad[i]', replace: '1.02 * grad[i] * grad[i]' }],
    ['norm', 'plain values are summed', { find: 'grad[i] * grad[i]', replace: 'grad[i]' }],
    [
      'norm',
      'the last element is left out',
      { find: 'if (i < params.count) { run', replace: 'if (i + 1u < params.count) { run' },
    ],
    [
      'norm',
      'every partial goes to one place',
      { find: 'partials[params.offset + index]', replace: 'partials[index]' },
    ],
    ['norm', 'the last partial is left out', { find: 'params.count);', replace: 'params.count - 1u);' }],
    ['norm', 'there is no root', { find: 'sqrt(sums[0])', replace: 'sums[0]' }],
    [
      'gradient 0',
      'the factor is 2 % too large',
      { find: 'coefficient[0] = scale', replace: 'coefficient[0] = 1.02 * scale' },
    ],
    ['gradient 0', 'small gradients grow', { find: 'if (scale > 1.0)', replace: 'if (scale > 1e30)' }],
    ['gradient 0', 'nothing is scaled', { find: 'scale * grad[i]', replace: 'grad[i]' }],
  ];
  for (const [wrong, what, edit] of PLANTED) {
    seesPlanted(gpuTest, { what, wrong, edit }, async (tampered) => {
      const found: string[] = [];
      for (const one of clips) found.push(...(await clipDifferences(tampered, one)));
      return found;
    });
  }
});

gpuTest('gives the same bits whatever the threads', async () => {
  const threads = process.env.LP_NUM_THREADS;
  const found = [];
  for (const count of ['1', '4']) {
    process.env.LP_NUM_THREADS = count;
    const own = await openGpu();
    const parameters = [70001, 3, 4096].map((size) => withGrad(formula(size, 37, size, 61), own));
    const norm = clipGradNorm(parameters, 1.5);
    found.push([await norm.data(), ...(await Promise.all(parameters.map(({ grad }) => grad!.data())))]);
    own.close();
  }
  if (threads === undefined) delete process.env.LP_NUM_THREADS;
  else process.env.LP_NUM_THREADS = threads;
  expect(found[1]).toEqual(found[0]);
});

gpuTest('makes no new objects on the device from step to step, and its norm belongs to the scope', async () => {
  const own = await openGpu();
  const parameters = [5, 1000, 33].map((size) => withGrad(formula(size, 37, size, 61), own));
  const counts = [];
  for (let step = 0; step < 200; step++) {
    scope(() => {
      clipGradNorm(parameters, 1 + step);
    });
    if (step === 50 || step === 199) counts.push({ ...own.stats, submits: 0, dispatches: 0 });
  }
  expect(counts[1]).toEqual(counts[0]);
  own.close();
});

gpuTest('refuses invalid arguments, and changes nothing', async () => {
  const [a, b] = [withGrad([3]), withGrad([4])];
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY, null]) {
    expect(() => clipGradNorm([a], value as number)).toThrow(
      `clipGradNorm: maxNorm must be a finite number of at least 0, got ${value}.`,
    );
  }
  expect(() => clipGradNorm([], 1)).toThrow('clipGradNorm: parameters must hold a tensor or more, got none.');
  expect(() => clipGradNorm([a, b, a], 1)).toThrow('clipGradNorm: a parameter was given twice');
  b.grad!.dispose();
  expect(() => clipGradNorm([a, b], 1)).toThrow('clipGradNorm: the gradient of parameter 1 [1] was disposed');
  const other = await openAs({});
  expect(() => clipGradNorm([a, withGrad([1], other)], 1)).toThrow('on another device');
  expect(await a.grad!.item()).toBe(3);
});
