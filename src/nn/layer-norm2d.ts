/** Layer norm over the channels of each pixel: torchvision's `LayerNorm2d`. */

import { expectShape, OptionError } from '../autograd/errors.ts';
import { flatten } from '../autograd/ops/flatten.ts';
import { layerNorm } from '../autograd/ops/layer-norm.ts';
import { permute } from '../autograd/ops/permute.ts';
import { reshape } from '../autograd/ops/reshape.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { LayerNorm, type LayerNormOptions } from './layer-norm.ts';
import { pipe } from './pipe.ts';

/**
 * [N, channels, H, W] to the same shape: normalises the channels of each pixel, then scales and shifts each channel. Two copies put
 * the channels last and back, except of images of one pixel.
 */
export class LayerNorm2d extends LayerNorm {
  readonly channels: number;

  /** @throws OptionError */
  constructor(gpu: Gpu, channels: number, options: LayerNormOptions = {}) {
    if (typeof channels !== 'number') {
      throw new OptionError(`LayerNorm2d: channels must be a number, got ${JSON.stringify(channels)}.`);
    }
    super(gpu, channels, options);
    this.channels = channels;
  }

  override forward(input: Tensor): Tensor {
    expectShape('LayerNorm2d', 'input', input, ['N', this.channels, 'H', 'W']);
    const { weight, bias, eps, normalizedShape } = this;
    const norm = (rows: Tensor) => layerNorm(rows, normalizedShape, weight, bias, { eps });
    const isPixel = input.shape[2] === 1 && input.shape[3] === 1;
    return isPixel
      ? pipe(input, flatten, norm, (rows) => reshape(rows, input.shape))
      : pipe(input, toChannelsLast, norm, toChannelsFirst);
  }
}

/** A copy [N, H, W, C] of [N, C, H, W]. */
export function toChannelsLast(images: Tensor): Tensor {
  return permute(images, [0, 2, 3, 1]);
}

/** A copy [N, C, H, W] of [N, H, W, C]. */
export function toChannelsFirst(images: Tensor): Tensor {
  return permute(images, [0, 3, 1, 2]);
}
