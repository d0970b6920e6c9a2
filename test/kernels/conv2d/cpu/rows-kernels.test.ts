/**
 * Forward pass and input gradient for CPU adapters against sums in double: every way to build their shader (vectors of
 * each length at each alignment that padding causes, tiles of each size, taps forwards and backwards).
 */
import { describe, expect, test } from 'vitest';
import { counterNoise } from '../../../../src/autograd/gradcheck.ts';
import type { AdapterTraits, Dispatch, Gpu } from '../../../../src/gpu/gpu.ts';
import type { Pooled, PooledBuffer } from '../../../../src/gpu/pool.ts';
import { rows } from '../../../../src/kernels/conv2d/cpu/rows.ts';
import { type Conv2dShape, convolvedExtent, describeConv2d } from '../../../../src/kernels/conv2d/shape.ts';
import { uncached } from '../../../support/conv2d.ts';
import { openTampered, withGpu } from '../../../support/gpu.ts';

type Pair = readonly [height: number, width: number];
type Pass = 'forward' | 'inputGrad';

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

/** Each shape with constants that the shader of its forward pass must be built with. */
const SHAPES: readonly [shape: Conv2dShape, built: Readonly<Record<string, number>>][] = [
  [shapeOf([2, 3, 11, 24], 19, [7, 7], [2, 2], [3, 3]), { tile: 8, pixels: 8, inVector: 4, inAlign: 3, outVector: 4 }],
  [shapeOf([1, 2, 9, 36], 16, [7, 7], [2, 2], [3, 2]), { tile: 8, pixels: 8, inVector: 4, inAlign: 2, outVector: 1 }],
  [shapeOf([1, 2, 9, 21], 5, [7, 7], [2, 2], [3, 3]), { tile: 8, pixels: 8, inVector: 1, outVector: 1 }],
  [shapeOf([2, 3, 7, 24], 35, [3, 3], [2, 2], [1, 1]), { tile: 20, pixels: 4, inVector: 4, inAlign: 1, outVector: 4 }],
  [shapeOf([1, 3, 5, 22], 5, [3, 3], [2, 2], [1, 2]), { pixels: 4, inVector: 2, inAlign: 0, outVector: 4 }],
  [shapeOf([2, 5, 6, 14], 33, [3, 3], [2, 2], [1, 1]), { pixels: 7, inVector: 2, inAlign: 1, outVector: 1 }],
  [shapeOf([2, 5, 5, 28], 4, [1, 1], [2, 2]), { pixels: 7, inVector: 2, inAlign: 0, outVector: 1 }],
  [shapeOf([1, 3, 5, 16], 5, [2, 2], [1, 4], [0, 1]), { pixels: 7, inVector: 4, inAlign: 1, outVector: 1 }],
  [shapeOf([1, 3, 5, 16], 5, [2, 6], [1, 2], [1, 3]), { taps: 1, inVector: 1 }],
];

const floats = (random: () => number, count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);

/** The result of a pass, in double. */
function exact(pass: Pass, s: Conv2dShape, source: Float32Array, weights: Float32Array): Float64Array {
  const inPlane = s.inHeight * s.inWidth;
  const outPlane = s.outHeight * s.outWidth;
  const result = new Float64Array(s.batch * (pass === 'forward' ? s.outChannels * outPlane : s.inChannels * inPlane));
  weights.forEach((weight, index) => {
    const column = index % s.kernelWidth;
    const row = Math.floor(index / s.kernelWidth) % s.kernelHeight;
    const kernel = Math.floor(index / s.kernelWidth / s.kernelHeight);
    const [o, i] = [Math.floor(kernel / s.inChannels), kernel % s.inChannels];
    for (let image = 0; image < s.batch; image++) {
      for (let pixel = 0; pixel < outPlane; pixel++) {
        const y = Math.floor(pixel / s.outWidth) * s.strideHeight + row - s.paddingHeight;
        const x = (pixel % s.outWidth) * s.strideWidth + column - s.paddingWidth;
        if (y < 0 || y >= s.inHeight || x < 0 || x >= s.inWidth) continue;
        const inside = (image * s.inChannels + i) * inPlane + y * s.inWidth + x;
        const outside = (image * s.outChannels + o) * outPlane + pixel;
        if (pass === 'forward') result[outside]! += weight * source[inside]!;
        else result[inside]! += weight * source[outside]!;
      }
    }
  });
  return result;
}

/** The largest difference from sums in double, divided by the largest possible sum (each product is at most 1). */
async function error(gpu: Gpu, pass: Pass, s: Conv2dShape): Promise<{ error: number; dispatches: Dispatch[] }> {
  const random = counterNoise(s.inChannels * s.outChannels + s.inWidth);
  const inputs = s.batch * s.inChannels * s.inHeight * s.inWidth;
  const outputs = s.batch * s.outChannels * s.outHeight * s.outWidth;
  const values = floats(random, pass === 'forward' ? inputs : outputs);
  const weights = floats(random, s.outChannels * s.inChannels * s.kernelHeight * s.kernelWidth);
  const results = pass === 'forward' ? outputs : inputs;
  const [source, weight, target] = [values.length, weights.length, results].map((n) => gpu.pool.acquire(n * 4)) as [
    ...[PooledBuffer, PooledBuffer, PooledBuffer],
  ];
  const buffers: Pooled[] = [source, weight, target];
  gpu.upload(source, values);
  gpu.upload(weight, weights);
  // NaN shows unwritten elements.
  gpu.upload(target, new Float32Array(results).fill(Number.NaN));
  const dispatches: Dispatch[] = [];
  gpu.onDispatch = (dispatch) => dispatches.push(dispatch);
  rows[pass](
    gpu,
    s,
    source,
    uncached(weight, (memory) => buffers.push(memory)),
    target,
  );
  gpu.onDispatch = undefined;
  const found = new Float32Array(await gpu.read(target, results * 4));
  for (const buffer of buffers) gpu.pool.release(buffer);
  const terms = (pass === 'forward' ? s.inChannels : s.outChannels) * s.kernelHeight * s.kernelWidth;
  const wanted = exact(pass, s, values, weights);
  return { dispatches, error: found.reduce((most, x, i) => Math.max(most, Math.abs(x - wanted[i]!)), 0) / terms };
}

/** The largest rounding error. A wrong term of average size makes a thousand times as much and more. */
const ROUNDING = 2e-7;

/** Without subgroups a shader takes seconds to compile, so few shapes run there. */
const ADAPTERS: readonly [name: string, traits: Partial<AdapterTraits>, shapes: typeof SHAPES][] = [
  ['subgroups of 8', { kind: 'cpu' }, SHAPES],
  ['subgroups of 4', { kind: 'cpu', subgroupSize: 4 }, [SHAPES[0]!, SHAPES[3]!, SHAPES[5]!]],
  ['no subgroups', { kind: 'cpu', subgroupSize: 0 }, [SHAPES[3]!]],
];

for (const [name, traits, shapes] of ADAPTERS) {
  const { gpuTest, gpu } = await withGpu({ poisoned: true }, traits);
  describe(`with ${name}`, () => {
    for (const [s, built] of shapes) {
      gpuTest(`forward ${describeConv2d(s)}`, async () => {
        const found = await error(gpu, 'forward', s);
        const { key } = found.dispatches.find(({ program }) => program.name === 'conv2d_rows')!.program;
        for (const [constant, value] of Object.entries(built)) expect(key).toContain(`"${constant}":${value}`);
        expect(found.error < ROUNDING).toBe(true);
      });

      gpuTest(`inputGrad ${describeConv2d(s)}`, async () => {
        expect((await error(gpu, 'inputGrad', s)).error < ROUNDING).toBe(true);
      });
    }
  });
}

const { gpuTest } = await withGpu();

describe('an error is seen:', () => {
  const [stem, , , strided] = SHAPES.map(([s]) => s) as [Conv2dShape, Conv2dShape, Conv2dShape, Conv2dShape];
  for (const [what, s, find, replace] of [
    ['a vector at the edge is not masked', stem, /select\(vec4<f32>\(\), (.*), read_v0\)/, '$1'],
    ['a value of a vector is its neighbour', strided, /let x2 = v1\[1\]/, 'let x2 = v1[0]'],
    ['the last vector of a row is not written', strided, 'p < pixels; p += 4u', 'p + 4u < pixels; p += 4u'],
    [
      'a tap takes the weights of another lane',
      stem,
      /(let a6 = subgroupShuffle\(w\d+_\d+\.x), (\d)u/,
      '$1, ($2u + 1u) % 8u',
    ],
    ['a tile takes the weights of the one before', stem, 'group.y * params.weightTile', 'min(group.y, 0u)'],
    [
      'the second pack of channels is left out',
      shapeOf([1, 9, 3, 8], 2, [1, 1]),
      'group.y * CHANNELS',
      'min(group.y, 0u) * CHANNELS',
    ],
  ] as const) {
    gpuTest(what, async () => {
      const gpu = await openTampered({ find, replace }, { kind: 'cpu' });
      expect((await error(gpu, 'forward', s)).error < ROUNDING).toBe(false);
    });
  }
});

test('every shape is built differently', () => {
  expect(new Set(SHAPES.map(([, built]) => JSON.stringify(built))).size).toBe(SHAPES.length);
});
