/**
 * Winograd's convolution against sums in double. The cases cover every way to build the shaders of its transforms
 * (tiles in pairs or one by one, rows in vectors of each length). They have rows with and without a tile that only
 * completes a pair, and each padding.
 */
import { describe, expect } from 'vitest';
import { counterNoise } from '../../../../src/autograd/gradcheck.ts';
import type { Gpu } from '../../../../src/gpu/gpu.ts';
import type { Pooled } from '../../../../src/gpu/pool.ts';
import { winogradBy } from '../../../../src/kernels/conv2d/cpu/winograd.ts';
import type { Tile } from '../../../../src/kernels/conv2d/cpu/winograd-shape.ts';
import { type Conv2dShape, describeConv2d } from '../../../../src/kernels/conv2d/shape.ts';
import { uncached } from '../../../support/conv2d.ts';
import { openTampered, withGpu } from '../../../support/gpu.ts';

/** Larger tiles are the default; a test may ask for smaller ones. */
const winograd = winogradBy(() => 4);

const TRAITS = { kind: 'cpu', subgroupSize: 8 } as const;
const { gpuTest, gpu } = await withGpu({}, TRAITS);

const PASSES = ['forward', 'inputGrad', 'weightGrad'] as const;
type Pass = (typeof PASSES)[number];

/** `input`: N, C, H, W. */
function shapeOf(
  [batch, inChannels, inHeight, inWidth]: readonly [number, number, number, number],
  outChannels: number,
  [paddingHeight, paddingWidth]: readonly [number, number] = [1, 1],
): Conv2dShape {
  return {
    ...{ batch, inChannels, inHeight, inWidth, outChannels, paddingHeight, paddingWidth },
    ...{ kernelHeight: 3, kernelWidth: 3, strideHeight: 1, strideWidth: 1 },
    outHeight: inHeight + 2 * paddingHeight - 2,
    outWidth: inWidth + 2 * paddingWidth - 2,
  };
}

/** For the forward pass: tiles that an invocation computes at once, and the vectors for loading and storing rows. */
type Built = readonly [tiles: number, loads: number, stores: number];

const SHAPES: readonly [shape: Conv2dShape, large: Built, small: Built][] = [
  [shapeOf([2, 3, 5, 8], 7), [2, 4, 4], [2, 4, 4]],
  // Rows of three tiles and one that only completes a pair.
  [shapeOf([2, 3, 8, 12], 5), [2, 4, 4], [2, 4, 4]],
  [shapeOf([3, 2, 7, 10], 4), [2, 2, 2], [1, 2, 2]],
  [shapeOf([1, 5, 7, 11], 3), [2, 1, 1], [2, 1, 1]],
  // The tiles fill the columns of the products. Another tile in each row would be costly padding.
  [shapeOf([1, 2, 125, 4], 3), [1, 4, 4], [2, 4, 4]],
  [shapeOf([1, 2, 66, 6], 3), [2, 2, 2], [1, 2, 2]],
  [shapeOf([1, 2, 127, 3], 3), [1, 1, 1], [2, 1, 1]],
  [shapeOf([2, 2, 6, 8], 3, [0, 0]), [2, 1, 2], [2, 1, 2]],
  [shapeOf([2, 3, 6, 8], 3, [0, 2]), [2, 1, 2], [2, 1, 2]],
  [shapeOf([2, 3, 5, 6], 3, [1, 2]), [2, 1, 4], [2, 1, 4]],
  [shapeOf([1, 1, 1, 1], 1), [2, 1, 1], [2, 1, 1]],
];

const floats = (random: () => number, count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);

/** The largest difference from sums in double, divided by the largest possible sum (each product is at most 1). */
async function error(gpu: Gpu, s: Conv2dShape, pass: Pass, tile: Tile = 4): Promise<number> {
  const winograd = winogradBy(() => tile);
  const random = counterNoise(s.inChannels * s.outChannels + s.inWidth);
  const operands = {
    input: floats(random, s.batch * s.inChannels * s.inHeight * s.inWidth),
    weight: floats(random, s.outChannels * s.inChannels * 9),
    outputGrad: floats(random, s.batch * s.outChannels * s.outHeight * s.outWidth),
  };
  const expected = inDouble(s, operands)[pass];
  const held: Pooled[] = [];
  const acquire = (bytes: number) => {
    const buffer = gpu.pool.acquire(bytes);
    held.push(buffer);
    return buffer;
  };
  const put = (values: Float32Array<ArrayBuffer>) => {
    const buffer = acquire(values.byteLength);
    gpu.upload(buffer, values);
    return buffer;
  };
  const [input, outputGrad] = [put(operands.input), put(operands.outputGrad)];
  const weight = uncached(put(operands.weight), (memory) => held.push(memory));
  // NaN shows unwritten elements.
  const target = put(new Float32Array(expected.length).fill(Number.NaN));
  if (pass === 'forward') winograd.forward(gpu, s, input, weight, target);
  if (pass === 'inputGrad') winograd.inputGrad(gpu, s, outputGrad, weight, target);
  if (pass === 'weightGrad') winograd.weightGrad(gpu, s, input, outputGrad, target);
  const found = new Float32Array(await gpu.read(target, expected.length * 4));
  for (const buffer of held) gpu.pool.release(buffer);
  const terms = {
    forward: 9 * s.inChannels,
    inputGrad: 9 * s.outChannels,
    weightGrad: s.batch * s.outHeight * s.outWidth,
  };
  const differences = Array.from(found, (value, i) => Math.abs(value - expected[i]!) / terms[pass]);
  // There are too many differences for spread arguments.
  return differences.some(Number.isNaN) ? Number.NaN : differences.reduce((most, one) => Math.max(most, one), 0);
}

type Operands = Readonly<Record<'input' | 'weight' | 'outputGrad', Float32Array>>;

function inDouble(s: Conv2dShape, { input, weight, outputGrad }: Operands): Record<Pass, Float64Array> {
  const [forward, inputGrad, weightGrad] = [outputGrad, input, weight].map(({ length }) => new Float64Array(length));
  for (let image = 0; image < s.batch; image++)
    for (let out = 0; out < s.outChannels; out++)
      for (let channel = 0; channel < s.inChannels; channel++)
        for (let tap = 0; tap < 9; tap++) {
          const [tapRow, tapColumn] = [Math.floor(tap / 3) - s.paddingHeight, (tap % 3) - s.paddingWidth];
          const w = (out * s.inChannels + channel) * 9 + tap;
          for (let row = 0; row < s.outHeight; row++)
            for (let column = 0; column < s.outWidth; column++) {
              const [inRow, inColumn] = [row + tapRow, column + tapColumn];
              if (inRow < 0 || inColumn < 0 || inRow >= s.inHeight || inColumn >= s.inWidth) continue;
              const x = ((image * s.inChannels + channel) * s.inHeight + inRow) * s.inWidth + inColumn;
              const y = ((image * s.outChannels + out) * s.outHeight + row) * s.outWidth + column;
              forward![y]! += input[x]! * weight[w]!;
              inputGrad![x]! += outputGrad[y]! * weight[w]!;
              weightGrad![w]! += outputGrad[y]! * input[x]!;
            }
        }
  return { forward: forward!, inputGrad: inputGrad!, weightGrad: weightGrad! };
}

/** Some ten times the error of float32. Leaving out a product of average size from the longest sum would make 5e-4. */
const TOLERANCE = 1e-6;

for (const tile of [4, 2] as const)
  for (const [shape, large, small] of SHAPES) {
    const [tiles, loads, stores] = tile === 4 ? large : small;
    describe(`${describeConv2d(shape)} by ${tile}`, () => {
      for (const pass of PASSES) {
        gpuTest(pass, async () => {
          const built: Record<string, object> = {};
          gpu.onDispatch = ({ program }) => {
            built[program.name] = JSON.parse(program.key.replace(/^[^{]*/, ''));
          };
          const found = await error(gpu, shape, pass, tile);
          gpu.onDispatch = undefined;
          expect(found).toBeLessThan(TOLERANCE);
          if (pass === 'forward') {
            expect(built).toMatchObject({
              winograd_input: { tile, tiles, vector: loads },
              winograd_output: { tile, tiles, vector: stores },
            });
          }
        });
      }
    });
  }

/** Enough channels to make it worth copying an operand of the products into a texture, of several lines. */
const MANY = shapeOf([1, 130, 9, 32], 131);

describe('an operand of many channels is copied into a texture', () => {
  for (const tile of [4, 2] as const)
    for (const pass of PASSES)
      gpuTest(`${pass} by ${tile}`, async () => {
        const names: string[] = [];
        gpu.onDispatch = ({ program }) => names.push(program.name);
        const found = await error(gpu, MANY, pass, tile);
        gpu.onDispatch = undefined;
        expect(found).toBeLessThan(TOLERANCE);
        expect(names).toContain(pass === 'weightGrad' ? 'winograd_grad_product_texels' : 'winograd_product_texels');
        expect(gpu.pool.liveBytes).toBe(0);
      });
});

describe('patches', () => {
  gpuTest('kept in the forward pass give the same bits of the weight gradient', async () => {
    const s = shapeOf([2, 3, 7, 12], 5);
    const random = counterNoise(1);
    const put = (count: number) => {
      const buffer = gpu.pool.acquire(count * 4);
      gpu.upload(buffer, floats(random, count));
      return buffer;
    };
    const [input, output, outputGrad] = [put(2 * 3 * 84), put(2 * 5 * 84), put(2 * 5 * 84)];
    const [weight, kept, alone] = [put(135), put(135), put(135)];
    const cache = new Map<string, Pooled>();
    const derive = <M extends Pooled>(key: string, acquire: () => M, write: (target: M) => void) => {
      if (!cache.has(key)) {
        const target = acquire();
        cache.set(key, target);
        write(target);
      }
      return cache.get(key) as M;
    };
    let transforms = 0;
    gpu.onDispatch = ({ program }) => {
      if (program.name === 'winograd_input') transforms++;
    };
    winograd.forward(gpu, s, input, { buffer: weight, frozen: false, derive }, output, undefined, { derive });
    winograd.weightGrad(gpu, s, input, outputGrad, kept, { derive });
    expect(transforms).toBe(1);
    winograd.weightGrad(gpu, s, input, outputGrad, alone);
    gpu.onDispatch = undefined;
    expect(transforms).toBe(2);
    const [first, second] = [await gpu.read(kept, 540), await gpu.read(alone, 540)];
    expect(new Float32Array(first)).toEqual(new Float32Array(second));
    for (const buffer of [input, output, outputGrad, weight, kept, alone, ...cache.values()]) {
      gpu.pool.release(buffer);
    }
  });
});

describe('sees', () => {
  const [pairs, pairAndMore] = SHAPES.map(([shape]) => shape);
  for (const [what, shape, pass, find, replace, tile] of [
    ['that the right edge is no padding', pairs!, 'forward', 'firstColumn + 9u < params.width', 'true'],
    ['that the left edge is no padding', pairs!, 'inputGrad', 'firstColumn + 0u < params.width', 'true'],
    ['that a row below the picture is no padding', pairs!, 'forward', 'real && firstRow + 2u < params.height', 'real'],
    [
      'that the right edge is no padding before a tile that only completes a pair',
      pairAndMore!,
      'forward',
      'firstColumn + 5u < params.width',
      'true',
    ],
    ['that the second of a pair is not stored', pairs!, 'forward', 'firstColumn + 4u < params.width', 'false'],
    ['that kernels rotated by 180° take other places', pairs!, 'inputGrad', 'array(5u, 3u', 'array(5u, 4u'],
    [
      'that kernels rotated by 180° take other places in small tiles',
      pairs!,
      'inputGrad',
      'array(3u, 1u, 2u',
      'array(3u, 2u, 1u',
      2,
    ],
    ['that all lines of a texture are taken as one', MANY, 'forward', 'i / 1024u', '0u'],
    ['that all lines of a texture are taken as one', MANY, 'weightGrad', 'i / 1024u', '0u'],
    ['that a small tile lacks a product', pairs!, 'weightGrad', 'even + u[3]', 'even', 2],
    [
      'that a gradient below the picture is not zero',
      pairs!,
      'weightGrad',
      'real1 && firstRow + 1u < params.height',
      'real1',
    ],
  ] as const) {
    gpuTest(what, async () => {
      const found = await error(await openTampered({ find, replace }, TRAITS), shape, pass, tile);
      // Unwritten elements are NaN.
      expect(found < TOLERANCE).toBe(false);
    });
  }
});
