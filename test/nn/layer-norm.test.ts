/** LayerNorm and GroupNorm: names and initial values of their parameters, and that options reach the ops. */
import { describe, expect } from 'vitest';
import { groupNorm, layerNorm, Tensor } from '../../src/autograd/index.ts';
import { GroupNorm, LayerNorm, type Module } from '../../src/nn/index.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const ramp = (...shape: number[]) => {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Tensor.from(
    gpu,
    Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
    shape,
  );
};
const entriesOf = async (module: Module) =>
  Promise.all(
    [...module.stateDict()].map(async ([name, entry]) => [name, entry.shape, [...(await (entry as Tensor).data())]]),
  );

describe('LayerNorm', () => {
  gpuTest('has torch’s names and initial values', async () => {
    expect(await entriesOf(new LayerNorm(gpu, [2, 2]))).toEqual([
      ['weight', [2, 2], [1, 1, 1, 1]],
      ['bias', [2, 2], [0, 0, 0, 0]],
    ]);
    expect(await entriesOf(new LayerNorm(gpu, 2, { bias: false }))).toEqual([['weight', [2], [1, 1]]]);
    expect(await entriesOf(new LayerNorm(gpu, 2, { elementwiseAffine: false }))).toEqual([]);
  });

  gpuTest('is layerNorm with its parameters', async () => {
    const module = new LayerNorm(gpu, [3, 2], { eps: 0.5 });
    module.weight!.set([1, 2, 3, 4, 5, 6]);
    module.bias!.set([6, 5, 4, 3, 2, 1]);
    const input = ramp(4, 3, 2);
    const expected = layerNorm(input, [3, 2], module.weight, module.bias, { eps: 0.5 });
    expect(await module.call(input).data()).toEqual(await expected.data());
    expect(() => module.call(ramp(4, 2, 3))).toThrow(
      'layerNorm: input must end with the normalizedShape [3, 2], got [4, 2, 3].',
    );
  });
});

describe('GroupNorm', () => {
  gpuTest('has torch’s names and initial values', async () => {
    expect(await entriesOf(new GroupNorm(gpu, 1, 2))).toEqual([
      ['weight', [2], [1, 1]],
      ['bias', [2], [0, 0]],
    ]);
    expect(await entriesOf(new GroupNorm(gpu, 1, 2, { affine: false }))).toEqual([]);
  });

  gpuTest('is groupNorm with its parameters', async () => {
    const module = new GroupNorm(gpu, 2, 4, { eps: 0.5 });
    module.weight!.set([1, 2, 3, 4]);
    module.bias!.set([4, 3, 2, 1]);
    const input = ramp(2, 4, 3);
    const expected = groupNorm(input, 2, module.weight, module.bias, { eps: 0.5 });
    expect(await module.call(input).data()).toEqual(await expected.data());
    expect(() => module.call(ramp(2, 6, 3))).toThrow('GroupNorm: input must have shape [N, 4, 3], got [2, 6, 3].');
    expect(() => module.call(ramp(4))).toThrow('GroupNorm: input must have shape [N, 4], got [4].');
  });
});
