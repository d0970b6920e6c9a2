/** globalAvgPool2d: the mean of each channel's image. Every pixel gets an equal share of the gradient. */
import { avgPoolBackward, avgPoolForward } from '../../kernels/pooling/global-avg-pool.ts';
import { expectImages } from '../errors.ts';
import { record } from '../graph.ts';
import { storesHalf } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';

/** Input [N, C, H, W] → [N, C, 1, 1], NaN for images without pixels; in inference also f16. Saves nothing. */
export function globalAvgPool2d(input: Tensor): Tensor {
  const [batch, channels, height, width] = expectImages('globalAvgPool2d', 'input', input);
  const { gpu } = input;
  const planes = batch * channels;
  const plane = height * width;
  const half = storesHalf('globalAvgPool2d', { input });
  const output = Tensor.empty(gpu, [batch, channels, 1, 1], input.dtype);
  avgPoolForward(gpu, planes, plane, input.buffer, output.buffer, half);
  return record({
    name: 'globalAvgPool2d',
    inputs: { input },
    output,
    options: {},
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      avgPoolBackward(gpu, planes, plane, outputGrad.buffer, inputGrad.buffer);
      return [inputGrad];
    },
  });
}
