/**
 * The plain convolution with groups and dilation against sums in double. Then it is the reference for every other
 * variant over random shapes. (golden.test.ts has PyTorch's values.)
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { AdapterTraits, Gpu } from '../../../src/gpu/gpu.ts';
import { type Conv2dVariant, canConv2d, conv2dVariants } from '../../../src/kernels/conv2d/choose.ts';
import { reference } from '../../../src/kernels/conv2d/reference.ts';
import { type Conv2dShape, describeConv2d } from '../../../src/kernels/conv2d/shape.ts';
import { conv2dWork } from '../../../src/kernels/conv2d/work.ts';
import { conv2dGroupCases, differences } from '../../autograd/ops/golden.ts';
import {
  largestDifference,
  onHost,
  operandsOf,
  PASSES,
  type Pass,
  runPass,
  shapeOf,
  type Told,
  termsOf,
} from '../../support/conv2d.ts';
import { forceConv2dVariant } from '../../support/force.ts';
import { openAs, openTampered, type ShaderEdit, withGpu } from '../../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

describe('with groups and dilation', () => {
  beforeAll(() => forceConv2dVariant('reference'));
  afterAll(() => forceConv2dVariant(undefined));

  const named = (name: string) => conv2dGroupCases.find((one) => one.name === name)!;
  for (const [what, name, wrong, find, replace] of [
    [
      'a group reads the channels of the first',
      'groups',
      'output',
      '(image, firstChannel + channel',
      '(image, channel',
    ],
    ['a group takes the outputs of the first', 'groups', 'inputGrad', 'inChannel / channels * outChannels', '0u'],
    ['a group takes the weights of the first', 'groups', 'inputGrad', 'inChannel % channels', '0u'],
    ['a group reads the channels of the first', 'groups', 'weightGrad', '* channels + channel;', '* 0u + channel;'],
    ['taps are neighbours', 'dilation', 'output', 'tapRow * params.dilationHeight', 'tapRow'],
    ['taps are neighbours', 'dilation', 'inputGrad', 'tapColumn * params.dilationWidth', 'tapColumn'],
    ['taps are neighbours', 'dilation', 'weightGrad', 'tapRow * params.dilationHeight', 'tapRow'],
    [
      'a tap between two outputs counts',
      'pixels that no tap reaches',
      'inputGrad',
      'u32(fromTop) % params.strideHeight == 0u',
      'true',
    ],
  ] as const) {
    gpuTest(`is seen: ${wrong}: ${what}`, async () => {
      const found = await differences(await openTampered({ find, replace }), named(name));
      expect(found).toContainEqual(expect.stringMatching(`^${wrong} differs`));
    });
  }
});

/**
 * Several times the rounding error of a sum of products below 1, divided by their count. Leaving out a product of
 * average size from the longest sum here, of 1600 terms, makes 1.5e-4.
 */
const TOLERANCE = 1e-6;

const pairOf = (least: number, most: number) =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));
type Arbitrary = ReturnType<typeof shapesOf>;

/**
 * Any convolution whose kernel fits. Two in three have a usual kernel, because each kind of shader has to be compiled.
 */
function shapesOf(channels: fc.Arbitrary<number>, others: fc.Arbitrary<Pick<Told, 'groups' | 'dilation'>>) {
  return fc
    .record({
      batch: fc.integer({ min: 1, max: 3 }),
      channels: fc.tuple(channels, channels),
      extents: pairOf(1, 20),
      kernel: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(1, 2, 3, 5, 7).map((k) => [k, k]) }, pairOf(1, 6)),
      stride: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(1, 2).map((s) => [s, s]) }, pairOf(1, 3)),
      padding: pairOf(0, 4),
      others,
    })
    .map(({ batch, channels: [inChannels, outChannels], extents, kernel, stride, padding, others }) => {
      const { groups = 1 } = others;
      const input = [batch, inChannels * groups, ...extents];
      return shapeOf({
        input,
        outChannels: outChannels * groups,
        kernel,
        stride,
        padding,
        ...others,
      } as unknown as Told);
    })
    .filter(({ outHeight, outWidth }) => outHeight >= 1 && outWidth >= 1);
}

const few = fc.integer({ min: 1, max: 9 });
/** With few channels, or about as many as a tile has. */
const shapes = shapesOf(fc.oneof(few, fc.integer({ min: 30, max: 68 })), fc.constant({}));
const dilation = fc.oneof(fc.constant([1, 1] as [number, number]), pairOf(1, 4));
const groupedShapes = shapesOf(few, fc.record({ groups: fc.integer({ min: 1, max: 4 }), dilation }));
/** Shapes of depthwise convolutions, with up to three outputs for each input channel. */
const depthwiseShapes = groupedShapes.chain((s) =>
  fc.integer({ min: 1, max: 3 }).map((multiplier): Conv2dShape => {
    const inChannels = s.inChannels + 1;
    return { ...s, inChannels, groups: inChannels, outChannels: inChannels * multiplier };
  }),
);

/** Shapes that Winograd's convolution can compute: 3×3, or the first layer of a ResNet. */
const winogradShapes: Arbitrary = shapes.chain((s) =>
  fc.constantFrom(
    shapeOf({
      input: [s.batch, s.inChannels, s.inHeight + 2, s.inWidth + 2],
      outChannels: s.outChannels,
      kernel: [3, 3],
      padding: [Math.min(s.paddingHeight, 2), Math.min(s.paddingWidth, 2)],
    }),
    shapeOf({
      input: [s.batch, 1 + (s.inChannels % 3), s.inHeight + 6, s.inWidth + 6],
      outChannels: s.outChannels,
      kernel: [7, 7],
      stride: [2, 2],
      padding: [s.paddingHeight, s.paddingWidth],
    }),
  ),
);

const within = (s: Conv2dShape, pass: Pass, difference: number) => difference <= TOLERANCE * termsOf(s, pass);

gpuTest('200 random shapes with groups and dilation agree with sums in double', async () => {
  const found = await Promise.all(
    fc.sample(groupedShapes, { seed: 7, numRuns: 200 }).flatMap((s) => {
      const operands = operandsOf(s);
      const expected = onHost(s, operands);
      return PASSES.map(async (pass) => {
        const difference = largestDifference(await runPass(gpu, reference, s, pass, operands), expected[pass]);
        return within(s, pass, difference) ? [] : [`${pass} ${describeConv2d(s)}: off by ${difference}`];
      });
    }),
  );
  expect(found.flat()).toEqual([]);
});

/** Compares a variant on a device with the plain convolution on the file's own device. Empty if they agree. */
async function differenceAt(on: Gpu, variant: Conv2dVariant, s: Conv2dShape, passes: readonly Pass[]): Promise<string> {
  const operands = operandsOf(s);
  const possible = passes.filter((pass) => canConv2d(variant, conv2dWork(pass, s), on.traits));
  expect(possible).toContain(passes[0]);
  for (const pass of possible) {
    const [actual, expected] = await Promise.all([
      runPass(on, conv2dVariants[variant], s, pass, operands),
      runPass(gpu, reference, s, pass, operands),
    ]);
    const difference = largestDifference(actual, expected);
    if (!within(s, pass, difference)) return `${pass} ${describeConv2d(s)}: off by ${difference}`;
  }
  return '';
}

/** The same random shapes in every run. */
const sampleFor = (variant: FastVariant) => fc.sample(SHAPES_OF[variant], { seed: 11, numRuns: 60 });

/** Long enough to compile all shaders if the driver's cache is empty. */
const TIMEOUT = 300_000;
/** At least so many samples run, and then as many as fit this time, because most have shaders to compile. */
const [LEAST, BUDGET_MS] = [5, 4000];

/** The compiler makes sure that a new variant gets an entry in the table below. */
type FastVariant = Exclude<Conv2dVariant, 'reference'>;

/** What each variant is drawn; `tiled` and `rows` compute everything. */
const SHAPES_OF: Readonly<Record<FastVariant, Arbitrary>> = {
  tiled: fc.oneof(shapes, groupedShapes),
  rows: fc.oneof(shapes, groupedShapes),
  winograd: winogradShapes,
  depthwise: depthwiseShapes,
};

/** Edits that leave a product out of sums: of the forward pass and the input gradient, and of the weight gradient. */
const LEFT_OUT: Readonly<Record<FastVariant, readonly [ShaderEdit, ShaderEdit]>> = {
  tiled: [
    { find: 'params.depthsPerSlice, params.depths)', replace: 'params.depthsPerSlice, max(params.depths, 1u) - 1u)' },
    { find: /\((column\d) < columns/g, replace: '($1 + 1u < columns' },
  ],
  rows: [
    { find: /let steps = (params\.channels .*);/, replace: 'let steps = max($1, 1u) - 1u;' },
    { find: /sums\[0\] \+= .*;/, replace: '' },
  ],
  winograd: [
    { find: ' + term1 * b1.x', replace: '' },
    { find: ' + term1 * b0.y', replace: '' },
  ],
  depthwise: [
    { find: /w0_0 \* x0_\d+/g, replace: '0.0' },
    { find: /g0 \* x0_\d+/g, replace: '0.0' },
  ],
};

const KINDS: readonly Partial<AdapterTraits>[] = [{ kind: 'cpu' }, { kind: 'gpu' }];

describe.each(Object.keys(LEFT_OUT) as FastVariant[])('%s agrees with the plain convolution', (variant) => {
  for (const traits of KINDS) {
    gpuTest(
      `over random shapes, on an adapter of kind ${traits.kind}`,
      async () => {
        const other = await openAs(traits);
        const end = performance.now() + BUDGET_MS;
        for (const [i, s] of sampleFor(variant).entries()) {
          if (i >= LEAST && performance.now() > end) break;
          expect(await differenceAt(other, variant, s, PASSES)).toBe('');
        }
      },
      TIMEOUT,
    );
  }

  const [ofOutput, ofWeightGrad] = LEFT_OUT[variant];
  const scaled: ShaderEdit = { find: /((?:output|weightGrad)\[[^\]]*\] = )/g, replace: '$1 1.02 * ' };
  for (const [what, pass, edit] of [
    ['a product left out', 'forward', ofOutput],
    ['a product left out', 'inputGrad', ofOutput],
    ['a product left out', 'weightGrad', ofWeightGrad],
    ...PASSES.map((pass) => ['a result that is 2 % too large', pass, scaled] as const),
  ] as const) {
    gpuTest(`sees ${what}: ${pass}`, async () => {
      const tampered = await openTampered(edit);
      // The first shape that this variant computes with the tampered kernel, and whose taps do not only meet padding.
      const [s] = sampleFor(variant).filter(
        (one) =>
          one.kernelHeight === 3 &&
          Math.min(one.inHeight, one.inWidth, one.outHeight, one.outWidth) > 5 &&
          canConv2d(variant, conv2dWork(pass, one), tampered.traits),
      );
      expect(await differenceAt(tampered, variant, s!, [pass])).toMatch(/off by/);
    });
  }
});
