/**
 * Every variant at every combination of tiny extents: pixels that no tap reaches, taps that reach no pixel, kernels as
 * large as the padded input, outputs that read only padding. All three passes are compared with sums in double.
 */
import { describe, expect } from 'vitest';
import type { AdapterTraits } from '../../../src/gpu/gpu.ts';
import { type Conv2dVariant, canConv2d, conv2dVariants } from '../../../src/kernels/conv2d/choose.ts';
import { type Conv2dShape, convolvedExtent, describeConv2d } from '../../../src/kernels/conv2d/shape.ts';
import { conv2dWork } from '../../../src/kernels/conv2d/work.ts';
import { largestDifference, onHost, operandsOf, PASSES, runPass, shapeOf, termsOf } from '../../support/conv2d.ts';
import { withGpu } from '../../support/gpu.ts';

type Axis = readonly [extent: number, kernel: number, stride: number, padding: number];

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const axes = (kernels: number[], strides: number[], paddings: number[]): Axis[] =>
  numbers(1, 5)
    .flatMap((extent) => kernels.map((kernel) => [extent, kernel] as const))
    .flatMap(([extent, kernel]) => strides.map((stride) => [extent, kernel, stride] as const))
    .flatMap((rest) => paddings.map((padding): Axis => [...rest, padding]))
    .filter((axis) => convolvedExtent(...axis) >= 1);

/** A shape with odd channel counts. */
const shape = (rows: Axis, columns: Axis): Conv2dShape => {
  const both = (i: 1 | 2 | 3) => [rows[i], columns[i]] as const;
  const input = [2, 3, rows[0], columns[0]] as const;
  return shapeOf({ input, outChannels: 5, kernel: both(1), stride: both(2), padding: both(3) });
};

/**
 * Every axis as rows, with columns of the same kernel and stride. Columns have odd extents only, because each width has
 * its own shader, and all pairs of axes would take minutes to compile.
 */
const ALL = axes(numbers(1, 5), numbers(1, 3), numbers(0, 3)).map((rows, i) => {
  const [, kernel, stride, padding] = rows;
  const columns = [1, 3, 5, 1, 3]
    .slice(i % 3)
    .map((extent): Axis => [extent, kernel, stride, (padding + 1) % 4])
    .find((axis) => convolvedExtent(...axis) >= 1);
  return shape(rows, columns ?? rows);
});

/** All pairs of axes for Winograd's convolution, which needs few shaders for them. */
const THREES = axes([3], [1], [0, 1, 2]);
const FOR_WINOGRAD = THREES.flatMap((rows) => THREES.map((columns) => shape(rows, columns)));

/** A third of the axes, each of which has shaders of its own. */
const FOR_DEPTHWISE = ALL.filter((_, i) => i % 3 === 0).map((s) => ({ ...s, outChannels: 6, groups: 3 }));

/** Rounding of sums of up to 162 products below 1, divided by their count. Leaving out an average one makes 1.5e-3. */
const TOLERANCE = 1e-6;

/** Long enough to compile all shaders if the driver's cache is empty. */
const TIMEOUT = 300_000;

const VARIANTS: Readonly<Record<Conv2dVariant, readonly [Partial<AdapterTraits>, Conv2dShape[]]>> = {
  reference: [{}, ALL],
  tiled: [{ kind: 'gpu' }, ALL],
  rows: [{ kind: 'cpu' }, ALL],
  winograd: [{ kind: 'cpu' }, FOR_WINOGRAD],
  depthwise: [{ kind: 'gpu' }, FOR_DEPTHWISE],
};

for (const variant of Object.keys(VARIANTS) as Conv2dVariant[]) {
  const [traits, shapes] = VARIANTS[variant];
  const { gpuTest, gpu } = await withGpu({ poisoned: true }, traits);
  describe(variant, () => {
    for (const pass of PASSES) {
      gpuTest(
        `${pass} of ${shapes.length} shapes`,
        async () => {
          expect(shapes.filter((s) => !canConv2d(variant, conv2dWork(pass, s), gpu.traits))).toEqual([]);
          const found = await Promise.all(
            shapes.map(async (s) => {
              const operands = operandsOf(s);
              const actual = await runPass(gpu, conv2dVariants[variant], s, pass, operands);
              const difference = largestDifference(actual, onHost(s, operands)[pass]);
              return difference <= TOLERANCE * termsOf(s, pass) ? [] : [`${describeConv2d(s)}: off by ${difference}`];
            }),
          );
          expect(found.flat()).toEqual([]);
        },
        TIMEOUT,
      );
    }
  });
}
