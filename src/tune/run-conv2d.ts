/** Any pass of a convolution on given buffers. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import type { Conv2dWork } from '../kernels/conv2d-choose.ts';
import type { Conv2dKernels, Conv2dShape, WeightForms } from '../kernels/conv2d-shape.ts';

/** Buffers as large as the input, the output and the weights of a shape: values or gradients, as the pass has it. */
export interface Conv2dBuffers {
  readonly input: PooledBuffer;
  readonly output: PooledBuffer;
  readonly weight: WeightForms;
}

/** Records one run. The pass writes one of the three, and reads the others. */
export function runConv2d(gpu: Gpu, { pass, shape }: Conv2dWork, kernels: Conv2dKernels, on: Conv2dBuffers): void {
  const { input, output, weight } = on;
  if (pass === 'forward') kernels.forward(gpu, shape, input, weight, output);
  else if (pass === 'inputGrad') kernels.inputGrad(gpu, shape, output, weight, input);
  else kernels.weightGrad(gpu, shape, input, output, weight.original);
}

/** Numbers in each of them. */
export function conv2dSizes(s: Conv2dShape): Readonly<Record<keyof Conv2dBuffers, number>> {
  return {
    input: s.batch * s.inChannels * s.inHeight * s.inWidth,
    output: s.batch * s.outChannels * s.outHeight * s.outWidth,
    weight: s.outChannels * s.inChannels * s.kernelHeight * s.kernelWidth,
  };
}
