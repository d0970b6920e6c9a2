/**
 * The rounding of Winograd's convolution where it is chosen by default: a relative L2 error against sums in double of
 * at most 3e-6. It is measured on a sample of each result, with inputs as after a ReLU. A plain sum in float32 has some
 * 4e-7 here.
 */

import { describe, expect } from 'vitest';
import { Generator } from '../../../../src/data/index.ts';
import type { Pooled } from '../../../../src/gpu/pool.ts';
import { chooseConv2d, conv2dVariants } from '../../../../src/kernels/conv2d/choose.ts';
import type { Conv2dShape } from '../../../../src/kernels/conv2d/shape.ts';
import { conv2dWork } from '../../../../src/kernels/conv2d/work.ts';
import { uncached } from '../../../support/conv2d.ts';
import { withGpu } from '../../../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({}, { kind: 'cpu', subgroupSize: 8 });

const SAMPLES = 400;
const MOST = 3e-6;

const BATCH = 4;

/** The 3×3 convolutions with stride 1 of ResNet-18 at 224×224, and the passes in which Winograd is chosen. */
const SHAPES = [
  [64, 56, ['forward', 'inputGrad', 'weightGrad']],
  [128, 28, ['forward', 'inputGrad', 'weightGrad']],
  [256, 14, ['forward', 'inputGrad', 'weightGrad']],
  [512, 7, ['forward', 'inputGrad']],
] as const;

describe.each(SHAPES)('%i channels of side %i', (channels, side, chosen) => {
  const shape: Conv2dShape = {
    batch: BATCH,
    inChannels: channels,
    inHeight: side,
    inWidth: side,
    outChannels: channels,
    kernelHeight: 3,
    kernelWidth: 3,
    strideHeight: 1,
    strideWidth: 1,
    paddingHeight: 1,
    paddingWidth: 1,
    outHeight: side,
    outWidth: side,
  };
  const random = new Generator(channels);
  const normal = (count: number, deviation: number) => {
    const values = new Float32Array(count);
    random.fillNormal(values, 0, deviation);
    return values;
  };
  const pixels = side * side;
  const input = normal(BATCH * channels * pixels, 1).map((value) => Math.max(0, value));
  const weight = normal(channels * channels * 9, Math.sqrt(2 / (channels * 9)));
  const outputGrad = normal(BATCH * channels * pixels, 1);

  /** The value at a pixel, 0 in the padding. */
  const at = (values: Float32Array, plane: number, row: number, column: number) =>
    row < 0 || column < 0 || row >= side || column >= side ? 0 : values[plane * pixels + row * side + column]!;

  const exact = {
    forward: (index: number) => {
      const [image, out, row, column] = place(index);
      return sum(channels * 9, (i) => {
        const [channel, tapRow, tapColumn] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
        const value = at(input, image * channels + channel, row + tapRow - 1, column + tapColumn - 1);
        return value * weight[out * channels * 9 + i]!;
      });
    },
    inputGrad: (index: number) => {
      const [image, channel, row, column] = place(index);
      return sum(channels * 9, (i) => {
        const [out, tapRow, tapColumn] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
        const grad = at(outputGrad, image * channels + out, row + 1 - tapRow, column + 1 - tapColumn);
        return grad * weight[(out * channels + channel) * 9 + (i % 9)]!;
      });
    },
    weightGrad: (index: number) => {
      const [out, channel] = [Math.floor(index / 9 / channels), Math.floor(index / 9) % channels];
      const [tapRow, tapColumn] = [Math.floor(index / 3) % 3, index % 3];
      return sum(BATCH * pixels, (i) => {
        const [image, row, column] = [Math.floor(i / pixels), Math.floor(i / side) % side, i % side];
        const value = at(input, image * channels + channel, row + tapRow - 1, column + tapColumn - 1);
        return value * at(outputGrad, image * channels + out, row, column);
      });
    },
  };

  function place(index: number): [image: number, channel: number, row: number, column: number] {
    const plane = Math.floor(index / pixels);
    return [Math.floor(plane / channels), plane % channels, Math.floor(index / side) % side, index % side];
  }

  const put = (values: Float32Array<ArrayBuffer>) => {
    const buffer = gpu.pool.acquire(values.byteLength);
    gpu.upload(buffer, values);
    return buffer;
  };

  gpuTest('is chosen', () => {
    const passes = ['forward', 'inputGrad', 'weightGrad'] as const;
    expect(passes.filter((pass) => chooseConv2d(conv2dWork(pass, shape), gpu.traits) === 'winograd')).toEqual(chosen);
  });

  for (const pass of chosen) {
    const count = pass === 'weightGrad' ? weight.length : input.length;
    gpuTest(pass, async () => {
      const kernels = conv2dVariants.winograd;
      const target = gpu.pool.acquire(count * 4);
      const buffers: Pooled[] = [target];
      const hold = <M extends Pooled>(buffer: M) => {
        buffers.push(buffer);
        return buffer;
      };
      const weights = uncached(hold(put(weight)), hold);
      if (pass === 'forward') kernels.forward(gpu, shape, hold(put(input)), weights, target);
      if (pass === 'inputGrad') kernels.inputGrad(gpu, shape, hold(put(outputGrad)), weights, target);
      if (pass === 'weightGrad') kernels.weightGrad(gpu, shape, hold(put(input)), hold(put(outputGrad)), target);
      const actual = new Float32Array(await gpu.read(target, count * 4));
      for (const buffer of buffers) gpu.pool.release(buffer);

      let [error, size] = [0, 0];
      // A step that is coprime to the extents reaches every row and column.
      for (let i = 0; i < SAMPLES; i++) {
        const index = (i * 100_003) % count;
        const truth = exact[pass](index);
        error += (actual[index]! - truth) ** 2;
        size += truth ** 2;
      }
      const relative = Math.sqrt(error / size);
      expect(relative).toBeLessThan(MOST);
      // An error of 0 would mean that the exact values were compared with themselves.
      expect(relative).toBeGreaterThan(1e-8);
    });
  }
});

function sum(count: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}
