/** MaxPool2d, AvgPool2d and AdaptiveAvgPool2d: their options reach the ops, with the same defaults. */
import { expect } from 'vitest';
import { adaptiveAvgPool2d, avgPool2d, maxPool2d, Tensor } from '../../src/autograd/index.ts';
import { AdaptiveAvgPool2d, AvgPool2d, MaxPool2d } from '../../src/nn/index.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const images = () =>
  Tensor.from(
    gpu,
    Float32Array.from({ length: 2 * 3 * 8 * 7 }, (_, i) => Math.sin(i)),
    [2, 3, 8, 7],
  );

gpuTest('MaxPool2d', async () => {
  for (const options of [
    { kernelSize: 2 },
    { kernelSize: [3, 2], stride: [2, 1], padding: 1, ceilMode: true },
    { kernelSize: 3, stride: 2, dilation: [2, 1] },
  ] as const) {
    const [pooled, expected] = [new MaxPool2d(options).call(images()), maxPool2d(images(), options)];
    expect(pooled.shape).toEqual(expected.shape);
    expect(await pooled.data()).toEqual(await expected.data());
  }
  expect(new MaxPool2d({ kernelSize: 2 })).toMatchObject({ stride: [2, 2], dilation: [1, 1], ceilMode: false });
});

gpuTest('AvgPool2d', async () => {
  for (const options of [
    { kernelSize: 2 },
    { kernelSize: [3, 2], stride: [2, 1], padding: 1, ceilMode: true, countIncludePad: false },
    { kernelSize: 3, stride: 2, padding: 1, divisorOverride: 5 },
  ] as const) {
    const [pooled, expected] = [new AvgPool2d(options).call(images()), avgPool2d(images(), options)];
    expect(pooled.shape).toEqual(expected.shape);
    expect(await pooled.data()).toEqual(await expected.data());
  }
  expect(new AvgPool2d({ kernelSize: 2 })).toMatchObject({
    ...{ stride: [2, 2], padding: [0, 0], ceilMode: false, countIncludePad: true, divisorOverride: undefined },
  });
});

gpuTest('AdaptiveAvgPool2d', async () => {
  for (const size of [1, 2, [4, 7], [3, 5]] as const) {
    const [pooled, expected] = [new AdaptiveAvgPool2d(size).call(images()), adaptiveAvgPool2d(images(), size)];
    expect(pooled.shape).toEqual(expected.shape);
    expect(await pooled.data()).toEqual(await expected.data());
  }
});
