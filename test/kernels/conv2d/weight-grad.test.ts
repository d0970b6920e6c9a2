/**
 * The weight gradient for CPU adapters against sums in double: every way to build its shader (rows carried on, vectors
 * of each length, blocks that end beyond the row), and sums cut into slices at any place.
 */
import { describe, expect, test } from 'vitest';
import { counterNoise } from '../../../src/autograd/gradcheck.ts';
import type { AdapterTraits, Gpu } from '../../../src/gpu/gpu.ts';
import { rowsWeightGrad, weightGradConstants } from '../../../src/kernels/conv2d/cpu/rows-weight-grad.ts';
import { type Conv2dShape, convolvedExtent, describeConv2d } from '../../../src/kernels/conv2d/shape.ts';
import { openDryGpu } from '../../../src/plan/index.ts';
import { openTampered, withGpu } from '../../support/gpu.ts';

type Pair = readonly [height: number, width: number];

/** `input`: N, C, H, W. */
function shapeOf(
  [batch, inChannels, inHeight, inWidth]: readonly [number, number, number, number],
  outChannels: number,
  [kernelHeight, kernelWidth]: Pair,
  [strideHeight, strideWidth]: Pair = [1, 1],
  [paddingHeight, paddingWidth]: Pair = [0, 0],
): Conv2dShape {
  const outHeight = convolvedExtent(inHeight, kernelHeight, strideHeight, paddingHeight);
  const outWidth = convolvedExtent(inWidth, kernelWidth, strideWidth, paddingWidth);
  return {
    ...{ batch, inChannels, inHeight, inWidth, outChannels, kernelHeight, kernelWidth },
    ...{ strideHeight, strideWidth, paddingHeight, paddingWidth, outHeight, outWidth },
  };
}

/** Each shape with constants that its shader must be built with. */
const SHAPES: readonly [shape: Conv2dShape, built: Partial<ReturnType<typeof weightGradConstants>>][] = [
  [shapeOf([3, 11, 5, 8], 20, [3, 3], [1, 1], [1, 1]), { roll: 1, gradVector: 4, inVector: 4, inAlign: 1 }],
  [shapeOf([2, 3, 4, 6], 17, [3, 3], [1, 1], [1, 1]), { roll: 1, gradVector: 2, inVector: 2 }],
  [shapeOf([2, 9, 7, 7], 16, [3, 3], [1, 1], [1, 1]), { roll: 1, gradVector: 1, inVector: 1 }],
  // The one output row is the first and the last of every block.
  [shapeOf([3, 2, 1, 8], 3, [3, 3], [1, 1], [1, 1]), { roll: 1, gradVector: 4 }],
  [shapeOf([2, 3, 6, 8], 5, [3, 3], [1, 1], [1, 4]), { roll: 1, gradVector: 2, inVector: 4, inAlign: 0 }],
  [shapeOf([2, 3, 6, 16], 5, [3, 3], [1, 2], [1, 1]), { roll: 1, strideWidth: 2, gradVector: 4, inVector: 4 }],
  [shapeOf([2, 5, 8, 16], 18, [3, 3], [2, 2], [1, 1]), { roll: 2, gradVector: 4, inVector: 4 }],
  [shapeOf([2, 5, 7, 14], 4, [3, 3], [2, 2], [1, 1]), { roll: 2, gradVector: 1, inVector: 2 }],
  [shapeOf([2, 3, 7, 9], 5, [3, 3], [2, 1], [1, 1]), { roll: 2, strideWidth: 1, gradVector: 1, inVector: 1 }],
  [shapeOf([2, 3, 9, 8], 5, [3, 3], [3, 1], [1, 1]), { roll: 0, gradVector: 4 }],
  [shapeOf([2, 3, 6, 8], 5, [3, 3], [1, 1], [2, 1]), { roll: 0, gradVector: 4 }],
  [shapeOf([2, 4, 6, 8], 5, [2, 3], [1, 1], [1, 1]), { roll: 0, units: 3 }],
  [shapeOf([2, 9, 6, 16], 40, [1, 1], [2, 2]), { units: 4, tile: 32, gradVector: 4, inVector: 4 }],
  [shapeOf([1, 3, 12, 24], 17, [7, 7], [2, 2], [3, 3]), { units: 1, gradVector: 4, inVector: 4, inAlign: 3 }],
  // Groups of single taps start anywhere in a vector.
  [shapeOf([2, 3, 6, 8], 5, [2, 6], [1, 1], [0, 3]), { taps: 1, inVector: 1 }],
  // Slices of 56 steps, which start and end within blocks of 90 and 91.
  [shapeOf([3, 2, 90, 8], 3, [3, 3], [1, 1], [1, 1]), { roll: 1 }],
  [shapeOf([3, 2, 181, 16], 3, [3, 3], [2, 2], [1, 1]), { roll: 2 }],
];

/** Shapes whose values are loaded so often that they are copied to texels, of several lines and with odd extents. */
const TEXELS: readonly Conv2dShape[] = [
  shapeOf([2, 259, 3, 7], 517, [3, 3], [1, 1], [1, 1]),
  shapeOf([1, 257, 5, 6], 515, [3, 3], [2, 2], [1, 1]),
  shapeOf([1, 53, 2, 5], 513, [5, 5], [1, 1], [2, 2]),
];

const floats = (random: () => number, count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);

/** The largest difference from sums in double, divided by the largest possible sum (each product is at most 1). */
async function error(gpu: Gpu, s: Conv2dShape): Promise<number> {
  const random = counterNoise(s.inChannels * s.outChannels + s.inWidth);
  const x = floats(random, s.batch * s.inChannels * s.inHeight * s.inWidth);
  const g = floats(random, s.batch * s.outChannels * s.outHeight * s.outWidth);
  const weights = s.outChannels * s.inChannels * s.kernelHeight * s.kernelWidth;
  const [input, outputGrad, weightGrad] = [x.length, g.length, weights].map((count) => gpu.pool.acquire(count * 4));
  gpu.upload(input!, x);
  gpu.upload(outputGrad!, g);
  // NaN shows unwritten elements.
  gpu.upload(weightGrad!, new Float32Array(weights).fill(Number.NaN));
  rowsWeightGrad(gpu, s, input!, outputGrad!, weightGrad!);
  const found = new Float32Array(await gpu.read(weightGrad!, weights * 4));
  for (const buffer of [input, outputGrad, weightGrad]) gpu.pool.release(buffer!);
  const expected = inDouble(s, x, g);
  const terms = s.batch * s.outHeight * s.outWidth;
  const differences = Array.from(found, (value, i) => Math.abs(value - expected[i]!) / terms);
  // One NaN makes the result NaN.
  return differences.reduce((most, difference) => Math.max(most, difference), 0);
}

function inDouble(s: Conv2dShape, x: Float32Array, g: Float32Array): Float64Array {
  const sums = new Float64Array(s.outChannels * s.inChannels * s.kernelHeight * s.kernelWidth);
  let at = 0;
  for (let out = 0; out < s.outChannels; out++)
    for (let channel = 0; channel < s.inChannels; channel++)
      for (let tapRow = 0; tapRow < s.kernelHeight; tapRow++)
        for (let tap = 0; tap < s.kernelWidth; tap++, at++)
          for (let image = 0; image < s.batch; image++)
            for (let row = 0; row < s.outHeight; row++) {
              const inRow = row * s.strideHeight + tapRow - s.paddingHeight;
              if (inRow < 0 || inRow >= s.inHeight) continue;
              const xRow = ((image * s.inChannels + channel) * s.inHeight + inRow) * s.inWidth;
              const gRow = ((image * s.outChannels + out) * s.outHeight + row) * s.outWidth;
              for (let column = 0; column < s.outWidth; column++) {
                const inColumn = column * s.strideWidth + tap - s.paddingWidth;
                if (inColumn >= 0 && inColumn < s.inWidth) sums[at]! += g[gRow + column]! * x[xRow + inColumn]!;
              }
            }
  return sums;
}

/** Ten times the error of float32. Leaving out one product of average size from the longest sum would make 1e-4. */
const TOLERANCE = 2e-7;

test.each(SHAPES.map(([shape, built]) => [describeConv2d(shape), shape, built] as const))('%s', (_, shape, built) => {
  expect(weightGradConstants(shape, 8)).toMatchObject(built);
});

const ADAPTERS: readonly [name: string, traits: Partial<AdapterTraits>, shapes: number[]][] = [
  ['own subgroups', { kind: 'cpu' }, [...SHAPES.keys()]],
  ['subgroups of 4', { kind: 'cpu', subgroupSize: 4 }, [0, 6]],
  ['no subgroups', { kind: 'cpu', subgroupSize: 0 }, [0]],
];

for (const [adapter, traits, shapes] of ADAPTERS) {
  const { gpuTest, gpu } = await withGpu({ poisoned: true }, traits);
  describe(adapter, () => {
    for (const index of shapes) {
      const [shape] = SHAPES[index]!;
      gpuTest(`computes ${describeConv2d(shape)}`, async () => {
        expect(await error(gpu, shape)).toBeLessThan(TOLERANCE);
      });
    }

    if (adapter === 'own subgroups') {
      for (const shape of TEXELS) {
        gpuTest(`computes ${describeConv2d(shape)} from texels`, async () => {
          const kernels: string[] = [];
          gpu.onDispatch = ({ program }) => kernels.push(program.name);
          const found = await error(gpu, shape);
          gpu.onDispatch = undefined;
          expect(found).toBeLessThan(TOLERANCE);
          expect(kernels.slice(0, 3)).toEqual(['texels', 'texels', 'conv2d_texels_weight_grad']);
        });
      }

      gpuTest('does not copy tensors that are larger than a texture', () => {
        const dry = openDryGpu({ ...gpu.traits, ...traits });
        // With this batch, rows of 2 texels fill the texture's 8192 lines of 1024.
        const most = 8192 / 8;
        for (const [batch, kernel] of [
          [most, 'conv2d_texels_weight_grad'],
          [most + 1, 'conv2d_rows_weight_grad'],
        ] as const) {
          const kernels = new Set<string>();
          dry.onDispatch = ({ program }) => kernels.add(program.name);
          const [input, outputGrad, weightGrad] = [dry.pool.acquire(16), dry.pool.acquire(16), dry.pool.acquire(16)];
          rowsWeightGrad(dry, shapeOf([batch, 512, 8, 7], 512, [3, 3], [1, 1], [1, 1]), input, outputGrad, weightGrad);
          expect(kernels).toContain(kernel);
        }
      });

      gpuTest('sees an error in texels', async () => {
        const [shape] = TEXELS;
        for (const edit of [
          // A row is padded with the start of the next.
          { find: 'column + 3u < params.width', replace: 'true' },
          // All lines are taken as one.
          { find: 'i / 1024u', replace: '0u' },
          // The first column of a row comes from the wrong end of a texel.
          { find: /(let x\w+_0 = select\(0\.0, texelAt\(input, .*\))\[3\]/g, replace: '$1[0]' },
        ]) {
          // Reading beyond a line gives NaN.
          expect((await error(await openTampered(edit, traits), shape!)) < TOLERANCE, edit.replace).toBe(false);
        }
      });

      gpuTest('sees an error in the start values or the start position of a slice', async () => {
        const [shape] = SHAPES.at(-2)!;
        for (const edit of [
          { find: /carried([01])_(\d+) = x\1_\2;/g, replace: '' },
          { find: 'firstRow % params.outHeight', replace: '0u' },
          { find: '/ params.outHeight % blocks *', replace: '% blocks *' },
        ]) {
          expect(await error(await openTampered(edit, traits), shape)).toBeGreaterThan(TOLERANCE);
        }
      });
    }
  });
}
