/** maxPool2d: the maximum of each window. Its gradient goes to the first maximum in scan order. */
import { maxPoolBackward, maxPoolForward } from '../../kernels/pooling/max-pool.ts';
import { expectImages } from '../errors.ts';
import { record, wouldRecord } from '../graph.ts';
import { checkNames, type Pair, pairOf } from '../options.ts';
import { storesHalf } from '../storage-type.ts';
import { Tensor } from '../tensor.ts';
import { tell } from '../tracing.ts';
import { type PoolOptions, pooledImages, poolWindow, WINDOW_OPTIONS } from './pool-window.ts';

/** Options of `maxPool2d`, in pixels. The padding is minus infinity. */
export interface MaxPoolOptions extends PoolOptions {
  /** Pixels from one value of a window to the next; 1 by default. */
  readonly dilation?: Pair;
}

const OPTIONS = { ...WINDOW_OPTIONS, dilation: true } as const satisfies Record<keyof MaxPoolOptions, true>;

/**
 * Returns the options with defaults.
 * @param owner the op or module in error messages
 * @throws OptionError
 */
export function maxPoolOptions(owner: string, options: MaxPoolOptions) {
  checkNames(owner, options, OPTIONS);
  const dilation = pairOf(owner, 'dilation', options.dilation === undefined ? 1 : options.dilation, 1);
  return { ...poolWindow(owner, options), dilation };
}

/**
 * Input [N, C, H, W] → [N, C, H', W'] with H' = ⌊(H + 2 · padding − dilation · (kernelSize − 1) − 1) / stride⌋ + 1, or
 * rounded up with `ceilMode`. NaN counts as the largest value. In inference also f16. Saves the position of each
 * maximum.
 * @throws OptionError, ShapeError
 */
export function maxPool2d(input: Tensor, options: MaxPoolOptions): Tensor {
  const [batch, channels] = expectImages('maxPool2d', 'input', input);
  const { dilation, ...window } = maxPoolOptions('maxPool2d', options);
  const images = pooledImages('maxPool2d', input, window, dilation);
  const { kernelSize: kernel, stride, padding } = window;
  const settings = { kernelSize: kernel, stride, padding, dilation, ceilMode: window.ceilMode };
  const pooling = { ...images, kernel, stride, padding, dilation };

  const { gpu } = input;
  const half = storesHalf('maxPool2d', { input });
  const output = Tensor.empty(gpu, [batch, channels, ...pooling.output], input.dtype);
  if (!wouldRecord([input])) {
    maxPoolForward(gpu, pooling, input.buffer, output.buffer, { half });
    tell({ name: 'maxPool2d', inputs: { input }, options: settings, output });
    return output;
  }
  const argmax = Tensor.empty(gpu, output.shape, 'u32');
  maxPoolForward(gpu, pooling, input.buffer, output.buffer, { argmax: argmax.buffer });
  record({
    name: 'maxPool2d',
    inputs: { input },
    output,
    options: settings,
    saved: [argmax],
    backward: (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, input.shape);
      maxPoolBackward(gpu, pooling, argmax.buffer, outputGrad.buffer, inputGrad.buffer);
      return [inputGrad];
    },
  });
  argmax.dispose();
  return output;
}
