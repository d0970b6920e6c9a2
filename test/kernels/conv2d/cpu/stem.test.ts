/**
 * Winograd's convolution of 7×7 kernels with stride 2 and few channels, against sums in double and PyTorch's values:
 * every way to build its shader (channels, rows in vectors of each length, subgroups), odd extents, each padding.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { counterNoise } from '../../../../src/autograd/gradcheck.ts';
import { checkGradients, conv2d, sizeOf, Tensor } from '../../../../src/autograd/index.ts';
import type { Gpu } from '../../../../src/gpu/gpu.ts';
import type { Pooled } from '../../../../src/gpu/pool.ts';
import { chooserOf } from '../../../../src/kernels/chooser.ts';
import { chooseConv2d, conv2dCandidates } from '../../../../src/kernels/conv2d/choose.ts';
import { winogradStem } from '../../../../src/kernels/conv2d/cpu/stem.ts';
import { type Conv2dShape, convolvedExtent, describeConv2d } from '../../../../src/kernels/conv2d/shape.ts';
import { conv2dWork } from '../../../../src/kernels/conv2d/work.ts';
import { conv2dCases, differences, RUNS, WINOGRAD_SLACK } from '../../../autograd/ops/golden.ts';
import { uncached } from '../../../support/conv2d.ts';
import { forceConv2dVariant } from '../../../support/force.ts';
import { openTampered, withGpu } from '../../../support/gpu.ts';

const TRAITS = { kind: 'cpu', subgroupSize: 8 } as const;
const { gpuTest, gpu } = await withGpu({ poisoned: true }, TRAITS);

/** `input`: N, C, H, W. */
function shapeOf(
  [batch, inChannels, inHeight, inWidth]: readonly [number, number, number, number],
  outChannels: number,
  [paddingHeight, paddingWidth]: readonly [number, number] = [3, 3],
): Conv2dShape {
  return {
    ...{ batch, inChannels, inHeight, inWidth, outChannels, paddingHeight, paddingWidth },
    ...{ kernelHeight: 7, kernelWidth: 7, strideHeight: 2, strideWidth: 2 },
    outHeight: convolvedExtent(inHeight, 7, 2, paddingHeight),
    outWidth: convolvedExtent(inWidth, 7, 2, paddingWidth),
  };
}

/** ResNet's first layer with smaller pictures. */
const RESNET = shapeOf([2, 3, 24, 32], 64);
/** One channel, because its shader compiles in a second. */
const SMALL = shapeOf([2, 1, 13, 20], 67);
/**
 * Shapes with the vectors for loading and storing rows, and the column of the first vector where an invocation begins.
 */
const SHAPES: readonly [shape: Conv2dShape, built: { inVector: number; inAlign: number; outVector: number }][] = [
  [RESNET, { inVector: 4, inAlign: 3, outVector: 4 }],
  // More output channels than a workgroup computes, an odd height, segments that end beyond the row.
  [SMALL, { inVector: 4, inAlign: 3, outVector: 2 }],
  [shapeOf([3, 2, 9, 22], 5, [0, 2]), { inVector: 2, inAlign: 0, outVector: 2 }],
  [shapeOf([2, 2, 12, 18], 3, [1, 1]), { inVector: 2, inAlign: 1, outVector: 1 }],
  [shapeOf([2, 3, 17, 13], 6, [2, 3]), { inVector: 1, inAlign: 0, outVector: 1 }],
  [shapeOf([1, 1, 10, 16], 4, [6, 5]), { inVector: 4, inAlign: 1, outVector: 2 }],
  // A single output, and more than one subgroup.
  [shapeOf([1, 3, 7, 7], 1, [0, 0]), { inVector: 1, inAlign: 0, outVector: 1 }],
];

interface Operands {
  readonly input: Float32Array<ArrayBuffer>;
  readonly weight: Float32Array<ArrayBuffer>;
}

function operandsOf(s: Conv2dShape): Operands {
  const random = counterNoise(s.outChannels + s.inWidth);
  const floats = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);
  return {
    input: floats(s.batch * s.inChannels * s.inHeight * s.inWidth),
    weight: floats(s.outChannels * s.inChannels * 49),
  };
}

/** One output, as a sum in double. */
function exact(s: Conv2dShape, { input, weight }: Operands, index: number): number {
  const column = (index % s.outWidth) * 2 - s.paddingWidth;
  const row = (Math.floor(index / s.outWidth) % s.outHeight) * 2 - s.paddingHeight;
  const plane = Math.floor(index / s.outWidth / s.outHeight);
  const [image, out] = [Math.floor(plane / s.outChannels), plane % s.outChannels];
  let sum = 0;
  for (let channel = 0; channel < s.inChannels; channel++)
    for (let y = Math.max(0, row); y < Math.min(row + 7, s.inHeight); y++)
      for (let x = Math.max(0, column); x < Math.min(column + 7, s.inWidth); x++) {
        const value = input[((image * s.inChannels + channel) * s.inHeight + y) * s.inWidth + x]!;
        sum += value * weight[((out * s.inChannels + channel) * 7 + y - row) * 7 + x - column]!;
      }
  return sum;
}

async function run(device: Gpu, s: Conv2dShape, operands: Operands): Promise<Float32Array> {
  const held: Pooled[] = [];
  const put = (values: Float32Array<ArrayBuffer>) => {
    const buffer = device.pool.acquire(values.byteLength);
    held.push(buffer);
    device.upload(buffer, values);
    return buffer;
  };
  const count = s.batch * s.outChannels * s.outHeight * s.outWidth;
  // NaN shows unwritten elements.
  const [input, weight, output] = [operands.input, operands.weight, new Float32Array(count).fill(Number.NaN)].map(put);
  const cached = uncached(weight!, (memory) => held.push(memory));
  winogradStem(device, s, input!, cached, output!);
  const found = new Float32Array(await device.read(output!, count * 4));
  for (const buffer of held) device.pool.release(buffer);
  return found;
}

/** The largest difference from sums in double, divided by the largest possible sum (each product is at most 1). */
async function error(device: Gpu, s: Conv2dShape): Promise<number> {
  const operands = operandsOf(s);
  const found = await run(device, s, operands);
  const differences = Array.from(found, (value, i) => Math.abs(value - exact(s, operands, i)) / (49 * s.inChannels));
  return differences.some(Number.isNaN) ? Number.NaN : Math.max(...differences);
}

/** Some twenty times the error. Leaving out a product of average size from the longest sum would make 1e-3. */
const TOLERANCE = 1e-6;

for (const [shape, built] of SHAPES) {
  gpuTest(`${describeConv2d(shape)} agrees with sums in double`, async () => {
    const constants: Record<string, object> = {};
    gpu.onDispatch = ({ program }) => {
      constants[program.name] = JSON.parse(program.key.replace(/^[^{]*/, ''));
    };
    const found = await error(gpu, shape);
    gpu.onDispatch = undefined;
    expect(found).toBeLessThan(TOLERANCE);
    expect(constants).toMatchObject({ winograd_stem: { channels: shape.inChannels, ...built } });
  });
}

describe('with subgroups of 4', async () => {
  const { gpuTest: smallTest, gpu: small } = await withGpu({ poisoned: true }, { kind: 'cpu', subgroupSize: 4 });
  smallTest('it agrees with sums in double', async () => {
    expect(await error(small, SMALL)).toBeLessThan(TOLERANCE);
  });
});

gpuTest("the relative L2 error is below 3e-6 at ResNet's first layer, where it is chosen", async () => {
  const s = shapeOf([1, 3, 224, 224], 64);
  expect(chooseConv2d(conv2dWork('forward', { ...s, batch: 4 }), gpu.traits)).toBe('winograd');
  const operands = operandsOf(s);
  const found = await run(gpu, s, operands);
  let [squares, size] = [0, 0];
  // A step that is coprime to the extents reaches every row and column.
  for (let i = 0; i < 400; i++) {
    const index = (i * 100_003) % found.length;
    const truth = exact(s, operands, index);
    squares += (found[index]! - truth) ** 2;
    size += truth ** 2;
  }
  expect(Math.sqrt(squares / size)).toBeLessThan(3e-6);
  // An error of 0 would mean that the exact values were compared with themselves.
  expect(Math.sqrt(squares / size)).toBeGreaterThan(1e-8);
});

describe('as an op', () => {
  beforeAll(() => forceConv2dVariant('winograd'));
  afterAll(() => forceConv2dVariant(undefined));
  const golden = conv2dCases.find(({ name }) => name === 'ResNet 7x7 stride 2')!;

  gpuTest("it has PyTorch's values, and gradients by other kernels", async () => {
    const before = gpu.pool.liveBytes;
    expect(await differences(gpu, golden, RUNS.conv2d, WINOGRAD_SLACK)).toEqual([]);
    expect(gpu.pool.liveBytes).toBe(before);
    expect(
      new Set(Object.entries(chooserOf(gpu).choices).map(([work, variant]) => `${work.split(' ')[1]} ${variant}`)),
    ).toEqual(new Set(['forward winograd', 'inputGrad rows', 'weightGrad rows']));
  });

  gpuTest('its gradients agree with finite differences', async () => {
    const leaf = (...shape: number[]) => {
      const random = counterNoise(sizeOf(shape));
      const tensor = Tensor.from(
        gpu,
        Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1),
        shape,
      );
      tensor.requiresGrad = true;
      return tensor;
    };
    const options = { stride: [2, 2], padding: [3, 3] } as const;
    const report = await checkGradients(
      (input, weight) => conv2d(input!, weight!, undefined, options),
      [leaf(1, 2, 9, 8), leaf(3, 2, 7, 7)],
    );
    // The same bound as for the other convolutions.
    expect(report.worst).toBeLessThan(5e-3);
  });
});

describe('the shapes', () => {
  const traits = { ...TRAITS, maxWorkgroupStorage: 16384, maxInvocations: 256, shaderF16: false };
  const adapter = { ...traits, vendor: '', architecture: '', description: '' };
  const can = (s: Conv2dShape, pass: 'forward' | 'weightGrad' = 'forward') =>
    conv2dCandidates(conv2dWork(pass, s), adapter).includes('winograd');

  test('it computes the forward pass of 7×7 kernels with stride 2 and up to 3 channels, with subgroups', () => {
    expect(can(RESNET)).toBe(true);
    expect(can(RESNET, 'weightGrad')).toBe(false);
    expect(can({ ...RESNET, inChannels: 4 })).toBe(false);
    expect(can({ ...RESNET, kernelWidth: 5 })).toBe(false);
    expect(can({ ...RESNET, strideHeight: 1 })).toBe(false);
    expect(can({ ...RESNET, half: true })).toBe(false);
    expect(conv2dCandidates(conv2dWork('forward', RESNET), { ...adapter, subgroupSize: 0 })).not.toContain('winograd');
  });

  test('it is chosen if there are enough outputs to pay for the transforms', () => {
    expect(chooseConv2d(conv2dWork('forward', RESNET), adapter)).toBe('winograd');
    expect(chooseConv2d(conv2dWork('forward', { ...RESNET, outChannels: 8 }), adapter)).toBe('rows');
    expect(chooseConv2d(conv2dWork('weightGrad', RESNET), adapter)).toBe('rows');
  });
});

describe('sees', () => {
  for (const [what, find, replace] of [
    ['that a tap is left out', 'weight[start + 40u]', '0.0'],
    ['that a point gets the distances of another', 'even - 0.5 * g[2]', 'even - 0.51 * g[2]'],
    ['that a point is mistaken for another', '(s[0] - s[1]) + s[3]', '(s[0] + s[1]) + s[3]'],
    ['that a term of a patch is left out', 'd[6] - d[2],', 'd[6],'],
    [
      'that the left edge is no padding',
      'let insidebefore1 = firstColumn - 1u < params.inWidth',
      'let insidebefore1 = true',
    ],
    ['that a row above the picture is no padding', 'row < params.inHeight', 'i32(row) < i32(params.inHeight)'],
    ['that a row below the picture is no padding', 'row < params.inHeight', 'row < params.inHeight + 3u'],
    ['that a row of outputs is not stored', 'outRow + 1u < params.outHeight', 'false'],
    ['that a row beyond the last is stored', 'outRow + 1u < params.outHeight', 'true'],
    ['that columns beyond the last are stored', 'outColumn + 2u < params.outWidth', 'true'],
    ['that the second group of channels is that of the first', 'group.y * params.ownChannels', '0u'],
    [
      'that an image takes the patches of another',
      'let image = segment / params.rowSegments / params.tileRows',
      'let image = 0u',
    ],
  ] as const) {
    gpuTest(what, async () => {
      // Unwritten elements are NaN.
      expect((await error(await openTampered({ find, replace }, TRAITS), SMALL)) < TOLERANCE).toBe(false);
    });
  }
});
