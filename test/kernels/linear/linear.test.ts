/**
 * The variants of the fully connected layer, against PyTorch's values in double and finite differences. Those in tiles
 * are also compared with dot products at sizes of several tiles and slices, and have errors planted in them. The last
 * tests check the choice of the variant.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { counterNoise } from '../../../src/autograd/gradcheck.ts';
import { backward, checkGradients, linear, Tensor } from '../../../src/autograd/index.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import { Chooser, chooserOf } from '../../../src/kernels/chooser.ts';
import {
  chooseLinear,
  type LinearVariant,
  linearVariants,
  linearWork,
  tabledLinear,
} from '../../../src/kernels/linear/choose.ts';
import type { LinearSize } from '../../../src/kernels/linear/shape.ts';
import { cases, differences, RUNS, titleOf } from '../../autograd/ops/golden.ts';
import { forceLinearVariant } from '../../support/force.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { findsWrongGradients, seesPlanted } from '../../support/planted.ts';
import { PLAIN_GPU } from '../../support/resnet18.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });
const goldens = cases.filter(({ op }) => op === 'linear');
const VARIANTS = Object.keys(linearVariants) as LinearVariant[];

afterEach(() => forceLinearVariant(undefined));

/** Sizes of one exact tile and of more in each direction, multiples of 4 and others, one slice and several. */
const SIZES: readonly LinearSize[] = [
  { rows: 70, inFeatures: 40, outFeatures: 130 },
  { rows: 64, inFeatures: 64, outFeatures: 64 },
  { rows: 129, inFeatures: 83, outFeatures: 66 },
  { rows: 3, inFeatures: 1000, outFeatures: 17 },
  { rows: 600, inFeatures: 6, outFeatures: 5 },
];

describe.each(VARIANTS)('%s', (variant) => {
  for (const one of goldens) {
    gpuTest(titleOf(one), async () => {
      forceLinearVariant(variant);
      const before = gpu.pool.liveBytes;
      expect(await differences(gpu, one)).toEqual([]);
      expect(gpu.pool.liveBytes).toBe(before);
      expect(Object.values(chooserOf(gpu).choices)).toContain(variant);
    });
  }
});

// After all golden values: these tests leave tensors to be collected, which would change the bytes in use there.
describe.each(VARIANTS)('%s', (variant) => {
  const subject = async () => {
    forceLinearVariant(variant);
    const leaves = [leaf(gpu, [5, 11], 1), leaf(gpu, [7, 11], 2), leaf(gpu, [7], 3)];
    return { leaves, fn: (input?: Tensor, weight?: Tensor, bias?: Tensor) => linear(input!, weight!, bias) };
  };

  gpuTest('gradients agree with finite differences', async () => {
    const { leaves, fn } = await subject();
    expect((await checkGradients(fn, leaves)).worst).toBeLessThan(5e-3);
  });

  findsWrongGradients(gpuTest, subject);
});

function leaf(on: Gpu, shape: readonly number[], seed: number): Tensor {
  const random = counterNoise(1000 * seed);
  const size = shape.reduce((a, b) => a * b, 1);
  const tensor = Tensor.from(
    on,
    Float32Array.from({ length: size }, () => 2 * random() - 1),
    shape,
  );
  tensor.requiresGrad = true;
  return tensor;
}

/** The results of each pass by one variant. */
async function results(on: Gpu, variant: LinearVariant, { rows, inFeatures, outFeatures }: LinearSize) {
  forceLinearVariant(variant);
  const [input, weight] = [leaf(on, [rows, inFeatures], 1), leaf(on, [outFeatures, inFeatures], 2)];
  const bias = leaf(on, [outFeatures], 3);
  const output = linear(input, weight, bias);
  backward(output, leaf(on, [rows, outFeatures], 4));
  const all = {
    output: await output.data(),
    inputGrad: await input.grad!.data(),
    weightGrad: await weight.grad!.data(),
  };
  for (const tensor of [input, weight, bias, output]) tensor.dispose();
  return all;
}

describe.each(['tiled', 'rows'] as const)('%s and dot products agree', (variant) => {
  for (const size of SIZES) {
    gpuTest(JSON.stringify(size).replaceAll('"', ''), async () => {
      const [tiled, dots] = [await results(gpu, variant, size), await results(gpu, 'dots', size)];
      for (const pass of ['output', 'inputGrad', 'weightGrad'] as const) {
        // Sums of up to 1000 products below 1, of both signs, in two orders: off by some 2⁻²⁴ · √1000 of the largest,
        // below 100.
        const worst = tiled[pass].reduce((most, value, i) => Math.max(most, Math.abs(value - dots[pass][i]!)), 0);
        expect(worst, pass).toBeLessThan(1e-4);
        expect(tiled[pass].every(Number.isFinite), pass).toBe(true);
      }
    });
  }
});

describe('an error in a variant in tiles', () => {
  const [large, deep] = [goldens[3]!, goldens[1]!];
  const lastDepth = 'params.depthsPerSlice, params.depths)';
  for (const [variant, what, one, wrong, find, replace] of [
    ['tiled', 'a term is left out', large, 'output', lastDepth, 'params.depthsPerSlice, params.depths - 1u)'],
    ['tiled', 'depth beyond the end is not masked', goldens[4]!, 'output', /depth < lastDepth/g, 'true'],
    ['tiled', 'a slice is written over another', deep, 'output', '+ slice * params.outSlice', ''],
    ['tiled', 'the bias is added in each slice', deep, 'output', 'begin.slice == 0u)', 'true)'],
    [
      'tiled',
      'the operand is not transposed',
      large,
      'weightGrad',
      'row * params.aRow + depth * params.aDepth',
      'row * params.aDepth + depth * params.aRow',
    ],
    ['tiled', 'columns are a row apart', large, 'inputGrad', 'column * params.bColumn', 'column * params.bDepth'],
    ['tiled', 'columns of the next tile are those of the first', large, 'output', 'group.x * TILE', '0u * TILE'],
    ['rows', 'the bias is added in each slice', deep, 'output', 'begin.slice == 0u)', 'true)'],
    ['rows', 'the bias of the first columns is added', large, 'output', /bias\[min\(column0/g, 'bias[min(0u'],
  ] as const) {
    seesPlanted(gpuTest, { what: `${variant}: ${what}`, wrong, edit: { find, replace } }, (tampered) => {
      forceLinearVariant(variant);
      return differences(tampered, one, RUNS.linear);
    });
  }
});

describe('chooseLinear', () => {
  const [head, wide] = [
    { rows: 4, inFeatures: 512, outFeatures: 2 },
    { rows: 64, inFeatures: 784, outFeatures: 256 },
  ];

  test('takes tiles if they are filled, and dot products elsewhere', () => {
    const cpu = { ...PLAIN_GPU, kind: 'cpu', subgroupSize: 8 } as const;
    for (const pass of ['forward', 'inputGrad', 'weightGrad'] as const) {
      expect(chooseLinear(pass, wide, PLAIN_GPU)).toBe('tiled');
      expect(chooseLinear(pass, wide, cpu)).toBe('rows');
      expect(chooseLinear(pass, wide, { ...cpu, subgroupSize: 0 })).toBe('dots');
      for (const traits of [PLAIN_GPU, cpu]) expect(chooseLinear(pass, head, traits)).toBe('dots');
    }
    // The gradient of the weights is as large with few rows.
    expect(tabledLinear('weightGrad', { ...wide, rows: 4 }, PLAIN_GPU)).toBe('tiled');
    expect(tabledLinear('forward', { ...wide, half: true }, cpu)).toBe('dots');
  });

  test('takes the tuned kernel, for that pass and size only, if it exists', () => {
    const tuned = new Map([
      [linearWork('forward', head).name, 'tiled'],
      [linearWork('forward', wide).name, 'no-such-kernel'],
    ]);
    expect(chooseLinear('forward', head, PLAIN_GPU, tuned)).toBe('tiled');
    expect(chooseLinear('inputGrad', head, PLAIN_GPU, tuned)).toBe('dots');
    expect(chooseLinear('forward', wide, PLAIN_GPU, tuned)).toBe('tiled');
    const forced = new Chooser({ tuned, forced: { linear: 'dots' } });
    expect(forced.variantFor(linearWork('forward', head), PLAIN_GPU)).toBe('dots');
  });

  gpuTest('decides for the op, by the traits of its device', async () => {
    const other = await openAs(PLAIN_GPU);
    linear(leaf(other, [20, 8], 1), leaf(other, [30, 8], 2));
    expect(chooserOf(other).choices).toEqual({ 'linear forward 20x8 -> 30': 'tiled' });
  });
});
