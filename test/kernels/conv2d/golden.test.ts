/**
 * Convolution, forward and backward, against PyTorch's values in double and against finite differences, as each kind of
 * adapter computes it.
 */

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { counterNoise } from '../../../src/autograd/gradcheck.ts';
import {
  backward,
  type Conv2dOptions,
  checkGradients,
  conv2d,
  noGrad,
  sizeOf,
  Tensor,
} from '../../../src/autograd/index.ts';
import type { AdapterTraits } from '../../../src/gpu/gpu.ts';
import { chooserOf } from '../../../src/kernels/chooser.ts';
import type { Conv2dVariant } from '../../../src/kernels/conv2d/choose.ts';
import {
  conv2dCases,
  conv2dGroupCases,
  differences,
  RUNS,
  titleOf,
  WINOGRAD_SLACK,
} from '../../autograd/ops/golden.ts';
import { forceConv2dVariant } from '../../support/force.ts';
import { withGpu } from '../../support/gpu.ts';

/**
 * Cases with unrolled taps and with a loop over taps. Only the way that weights reach invocations depends on subgroups,
 * so these suffice. Without subgroups a shader takes ten seconds to compile.
 */
const FEW = ['2x2', '4x6', 'many rows', 'all of them'];

/** The cases that Winograd's convolution can compute. */
const WINOGRAD = conv2dCases
  .filter(
    ({ inputs: { weight }, options: { stride } }) => weight!.shape.slice(2).join() === '3,3' && `${stride}` === '1,1',
  )
  .map(({ name }) => name!);

/** The cases in which every input channel is a group. */
const DEPTHWISE = conv2dGroupCases
  .filter(({ inputs: { input }, options: { groups } }) => groups === input!.shape[1])
  .map(({ name }) => name!);

const CASES = [...conv2dCases, ...conv2dGroupCases];

const ADAPTERS: readonly [name: string, variant: Conv2dVariant, traits: Partial<AdapterTraits>, names?: string[]][] = [
  ['any adapter, by the plain kernels', 'reference', {}],
  ['a GPU', 'tiled', { kind: 'gpu' }],
  ['a CPU adapter', 'rows', { kind: 'cpu' }],
  ['a CPU adapter, by Winograd', 'winograd', { kind: 'cpu' }, WINOGRAD],
  ['a CPU adapter with subgroups of 4, by Winograd', 'winograd', { kind: 'cpu', subgroupSize: 4 }, ['3x3, many tiles']],
  ['a CPU adapter with subgroups of 4', 'rows', { kind: 'cpu', subgroupSize: 4 }, FEW],
  ['a CPU adapter without subgroups', 'rows', { kind: 'cpu', subgroupSize: 0 }, FEW],
  ['a CPU adapter, by the depthwise kernels', 'depthwise', { kind: 'cpu' }, DEPTHWISE],
  ['a GPU, by the depthwise kernels', 'depthwise', { kind: 'gpu' }, DEPTHWISE],
];

/** Kernels and options of the checks with finite differences. */
const GRADIENTS: Readonly<Record<string, readonly (readonly [size: number, options: Conv2dOptions])[]>> = {
  winograd: [[3, { padding: [1, 2] }]],
  depthwise: [
    [3, { padding: [1, 2], groups: 3 }],
    [2, { stride: [2, 2], dilation: [3, 1], groups: 3 }],
  ],
  others: [
    [2, {}],
    [3, { stride: [2, 2], padding: [1, 2] }],
    [3, { padding: [1, 2], dilation: [1, 2], groups: 3 }],
  ],
};

for (const [adapter, variant, traits, names] of ADAPTERS) {
  const { gpuTest, gpu } = await withGpu({ poisoned: true }, traits);

  describe(`on ${adapter}`, () => {
    beforeAll(() => forceConv2dVariant(variant));
    afterAll(() => forceConv2dVariant(undefined));

    for (const one of CASES.filter(({ name }) => !names || names.includes(name!))) {
      gpuTest(titleOf(one), async () => {
        const before = gpu.pool.liveBytes;
        const slack = variant === 'winograd' ? WINOGRAD_SLACK : 1;
        expect(await differences(gpu, one, RUNS.conv2d, slack)).toEqual([]);
        expect(gpu.pool.liveBytes).toBe(before);
      });
    }

    const leaf = (...shape: number[]) => {
      const random = counterNoise(sizeOf(shape));
      const values = Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1);
      const tensor = Tensor.from(gpu, values, shape);
      tensor.requiresGrad = true;
      return tensor;
    };
    // The cases above compile kernels of two and three columns already.
    for (const [size, options] of GRADIENTS[variant] ?? GRADIENTS.others!) {
      if (size === 3 && names === FEW) continue;
      const { groups = 1 } = options;
      gpuTest(`gradients of ${size}x${size} agree with finite differences`, async () => {
        const report = await checkGradients(
          (input, weight, bias) => conv2d(input!, weight!, bias, options),
          [leaf(2, 3, 6, 8), leaf(groups === 3 ? 6 : 5, 3 / groups, size, size), leaf(groups === 3 ? 6 : 5)],
        );
        expect(report.inputs).toHaveLength(3);
        expect(report.worst).toBeLessThan(5e-3);
      });
    }

    if (variant === 'winograd' && !traits.subgroupSize) {
      gpuTest('keeps the patches of an input only if the weights require a gradient', () => {
        const [input, weight] = [leaf(2, 3, 6, 8), leaf(5, 3, 3, 3)];
        const counted: string[] = [];
        gpu.onDispatch = ({ program }) => counted.push(program.name);
        const transforms = () => counted.splice(0).filter((name) => name === 'winograd_input').length;
        const held = (fn: () => Tensor) => {
          const before = gpu.pool.liveBytes;
          const output = fn();
          const kept = gpu.pool.liveBytes - before - output.size * 4;
          return { output, kept };
        };
        const options = { padding: [1, 1] } as const;
        // Data derived from the weights is kept in any case.
        noGrad(() => conv2d(input, weight, undefined, options)).dispose();
        const forgotten = held(() => noGrad(() => conv2d(input, weight, undefined, options)));
        expect(forgotten.kept).toBe(0);
        transforms();
        const kept = held(() => conv2d(input, weight, undefined, options));
        expect(kept.kept).toBeGreaterThan(0);
        expect(transforms()).toBe(1);
        // The input gradient transforms the output's gradient. The weight gradient transforms nothing.
        backward(kept.output, Tensor.from(gpu, new Float32Array(kept.output.size).fill(1), kept.output.shape));
        expect(transforms()).toBe(1);
        gpu.onDispatch = undefined;
        for (const tensor of [forgotten.output, kept.output, input, weight]) tensor.dispose();
      });
    }

    if (!names) {
      gpuTest('marks work with weights that require no gradient as frozen', () => {
        const [input, weight] = [leaf(1, 3, 6, 8), leaf(5, 3, 2, 2)];
        const worksOf = () => {
          const chooser = chooserOf(gpu).fresh();
          gpu.withChooser(chooser, () => conv2d(input, weight).dispose());
          return chooser.works.map(({ name }) => name);
        };
        expect(worksOf()).toEqual(['conv2d forward 1x3x6x8 -> 5, 2x2 /1 +0']);
        weight.requiresGrad = false;
        expect(worksOf()).toEqual(['conv2d forward 1x3x6x8 -> 5, 2x2 /1 +0 frozen']);
        for (const tensor of [input, weight]) tensor.dispose();
      });
    }

    gpuTest(`ran the ${variant} kernels only`, () => {
      expect(new Set(Object.values(chooserOf(gpu).choices))).toEqual(new Set([variant]));
    });
  });
}
