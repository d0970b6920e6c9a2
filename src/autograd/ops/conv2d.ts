/** 2d convolution (cross-correlation, as in torch): shape rule, forward and backward. */
import type { Gpu } from '../../gpu/gpu.ts';
import { chooserOf } from '../../kernels/chooser.ts';
import { addChannelBias, channelBiasGrad } from '../../kernels/conv2d/bias.ts';
import { conv2dVariants } from '../../kernels/conv2d/choose.ts';
import type { Normalisation } from '../../kernels/conv2d/normalised.ts';
import { type Conv2dPass, type Conv2dShape, type ConvWeight, convolvedExtent } from '../../kernels/conv2d/shape.ts';
import { conv2dWork } from '../../kernels/conv2d/work.ts';
import { derivedFrom } from '../derived.ts';
import { expectUsable, formatShape, ShapeError } from '../errors.ts';
import { record, wouldRecord } from '../graph.ts';
import { checkNames, type Pair, pairOf, wholeNumber } from '../options.ts';
import { storesHalf } from '../storage-type.ts';
import { type Shape, Tensor } from '../tensor.ts';

export interface Conv2dOptions {
  /** 1 by default. */
  readonly stride?: Pair;
  /** Zeros added on each side; none by default. */
  readonly padding?: Pair;
  /** Pixels from one tap to the next; 1 by default. */
  readonly dilation?: Pair;
  /**
   * Groups of channels, as many of the input as of the output; 1 by default. The outputs of a group see only the inputs
   * of the same group. With a group for every input channel, the convolution is depthwise.
   */
  readonly groups?: number;
}

const OPTIONS = { stride: true, padding: true, dilation: true, groups: true } as const satisfies Record<
  keyof Conv2dOptions,
  true
>;

/**
 * Convolves input [N, I, H, W] with weight [O, I / groups, KH, KW] and adds bias [O] if given. The result is [N, O, ⌊(H
 * + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1, likewise for W]; without images or channels it is empty, as in
 * torch. Saves input and weight as far as gradients need them. In inference input and weight may both be f16; bias is
 * f32.
 * @throws ShapeError if the shapes do not fit
 * @throws DTypeError if the types do not fit
 * @throws OptionError for an invalid option
 */
export function conv2d(input: Tensor, weight: Tensor, bias?: Tensor, options: Conv2dOptions = {}): Tensor {
  const shape = conv2dShape(input, weight, bias, options);
  const { gpu } = input;
  const channels = { batch: shape.batch, channels: shape.outChannels, planeSize: shape.outHeight * shape.outWidth };
  const output = Tensor.empty(gpu, outputShape(shape), input.dtype);
  const empty = output.size === 0;
  conv2dForward(shape, input, weight, output, undefined, wouldRecord([weight]));
  if (bias && !empty) addChannelBias(gpu, channels, bias.buffer, output.buffer, shape.half);

  const frozen = isFrozen(weight);
  const saved = [...(weight.requiresGrad ? [input] : []), ...(input.requiresGrad ? [weight] : [])];
  return record({
    name: 'conv2d',
    inputs: { input, weight, bias },
    output,
    options: {
      stride: [shape.strideHeight, shape.strideWidth],
      padding: [shape.paddingHeight, shape.paddingWidth],
      dilation: [shape.dilationHeight, shape.dilationWidth],
      groups: shape.groups,
    },
    saved,
    backward: (outputGrad, [needsInput, needsWeight, needsBias]) => {
      if (empty) {
        const zeros = (needed: boolean | undefined, of: Shape) => (needed ? Tensor.zeros(gpu, of) : undefined);
        return [
          zeros(needsInput, input.shape),
          zeros(needsWeight, weight.shape),
          zeros(needsBias, [shape.outChannels]),
        ];
      }
      const inputGrad = needsInput ? Tensor.empty(gpu, input.shape) : undefined;
      const weightGrad = needsWeight ? Tensor.empty(gpu, weight.shape) : undefined;
      const biasGrad = needsBias ? Tensor.empty(gpu, [shape.outChannels]) : undefined;
      if (inputGrad) {
        const run = kernels(gpu, 'inputGrad', shape, frozen).inputGrad;
        run(gpu, shape, outputGrad.buffer, weightOf(weight, frozen), inputGrad.buffer);
      }
      if (weightGrad) {
        const run = kernels(gpu, 'weightGrad', shape).weightGrad;
        run(gpu, shape, input.buffer, outputGrad.buffer, weightGrad.buffer, derivedFrom(input));
      }
      if (biasGrad) channelBiasGrad(gpu, channels, outputGrad.buffer, biasGrad.buffer);
      return [inputGrad, weightGrad, biasGrad];
    },
  });
}

/**
 * Writes all of output, which has the shape's extents. Normalises it if `after` is given. Records nothing.
 * @param toLearn whether the weight gradient will be computed: then data that it can reuse is kept with the input
 */
export function conv2dForward(
  shape: Conv2dShape,
  input: Tensor,
  weight: Tensor,
  output: Tensor,
  after?: Normalisation,
  toLearn = false,
): void {
  if (output.size === 0) return;
  const { gpu, buffer } = input;
  const frozen = isFrozen(weight);
  const variant = kernels(gpu, 'forward', shape, frozen);
  // Another variant could not use it.
  const keeps =
    toLearn && variant === conv2dVariants[chooserOf(gpu).variantFor(conv2dWork('weightGrad', shape), gpu.traits)];
  variant.forward(
    gpu,
    shape,
    buffer,
    weightOf(weight, frozen),
    output.buffer,
    after,
    keeps ? derivedFrom(input) : undefined,
  );
}

/**
 * The extents of a convolution, and whether it is in f16.
 * @throws ShapeError or DTypeError if tensors do not fit
 * @throws OptionError for an invalid option
 */
export function conv2dShape(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: Conv2dOptions,
): Conv2dShape {
  expectUsable('conv2d', { input, weight, bias });
  checkNames('conv2d', options, OPTIONS);
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const [strideHeight, strideWidth] = pairOf('conv2d', 'stride', stride, 1);
  const [paddingHeight, paddingWidth] = pairOf('conv2d', 'padding', padding, 0);
  const [dilationHeight, dilationWidth] = pairOf('conv2d', 'dilation', dilation, 1);
  wholeNumber('conv2d', 'groups', groups, 1);
  if (input.shape.length !== 4)
    throw new ShapeError(`conv2d: input must have shape [N, C, H, W], got ${formatShape(input.shape)}.`);
  if (weight.shape.length !== 4)
    throw new ShapeError(`conv2d: weight must have shape [O, I / groups, KH, KW], got ${formatShape(weight.shape)}.`);
  const [batch, inChannels, inHeight, inWidth] = input.shape as [number, number, number, number];
  const [outChannels, weightChannels, kernelHeight, kernelWidth] = weight.shape as [number, number, number, number];
  if (outChannels === 0 || outChannels % groups !== 0 || kernelHeight * kernelWidth === 0) {
    throw new ShapeError(
      `conv2d: weight must have output channels, in ${groups} equal groups, and a kernel, got ${formatShape(weight.shape)}.`,
    );
  }
  if (weightChannels * groups !== inChannels) {
    const inGroups = groups === 1 ? '' : ` in each of ${groups} groups`;
    throw new ShapeError(
      `conv2d: weight ${formatShape(weight.shape)} takes ${weightChannels} channels${inGroups}, but input ` +
        `${formatShape(input.shape)} has ${inChannels}.`,
    );
  }
  if (bias && (bias.shape.length !== 1 || bias.size !== outChannels)) {
    throw new ShapeError(`conv2d: bias must have shape [${outChannels}], got ${formatShape(bias.shape)}.`);
  }
  const outHeight = convolvedExtent(inHeight, kernelHeight, strideHeight, paddingHeight, dilationHeight);
  const outWidth = convolvedExtent(inWidth, kernelWidth, strideWidth, paddingWidth, dilationWidth);
  if (outHeight < 1 || outWidth < 1) {
    const dilated = dilationHeight * dilationWidth === 1 ? '' : ` with dilation ${dilationHeight}, ${dilationWidth}`;
    throw new ShapeError(
      `conv2d: the kernel ${kernelHeight}x${kernelWidth}${dilated} does not fit the input ${formatShape(input.shape)} with padding ` +
        `${paddingHeight}, ${paddingWidth}. Use larger images or more padding.`,
    );
  }
  if (inHeight * inWidth === 0 && batch * inChannels > 0) {
    throw new ShapeError(`conv2d: input must have pixels, got ${formatShape(input.shape)}.`);
  }
  const half = storesHalf('conv2d', { input, weight }, { bias });
  return {
    batch,
    inChannels,
    inHeight,
    inWidth,
    outChannels,
    kernelHeight,
    kernelWidth,
    strideHeight,
    strideWidth,
    paddingHeight,
    paddingWidth,
    outHeight,
    outWidth,
    dilationHeight,
    dilationWidth,
    groups,
    ...(half && { half }),
  };
}

/** [N, O, H, W] of the result. As in torch, an input without channels has a result without channels. */
export function outputShape(s: Conv2dShape): [number, number, number, number] {
  return [s.batch, s.inChannels === 0 ? 0 : s.outChannels, s.outHeight, s.outWidth];
}

function kernels(gpu: Gpu, pass: Conv2dPass, shape: Conv2dShape, frozen = false) {
  return conv2dVariants[chooserOf(gpu).choose(conv2dWork(pass, shape, frozen), gpu.traits)];
}

/** Whether the choice of a kernel may count on weights that do not change. No kernel distinguishes that for f16. */
function isFrozen(weight: Tensor): boolean {
  return weight.dtype === 'f32' && !weight.requiresGrad;
}

function weightOf(weight: Tensor, frozen: boolean): ConvWeight {
  return { buffer: weight.buffer, frozen, ...derivedFrom(weight) };
}
