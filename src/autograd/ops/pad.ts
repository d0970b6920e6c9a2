/**
 * pad: more values around a tensor, or fewer; narrow: a part of it. A constant's gradient is cut off. In the other modes
 * each value gets the sum of its copies' gradients.
 */
import {
  joinedAxes,
  PAD_MODES,
  type PaddedAxis,
  type PadMode,
  padBackward,
  pad as padKernel,
} from '../../kernels/copy/pad.ts';
import { MOST_AXES } from '../../kernels/copy/run.ts';
import { dimOf } from '../dims.ts';
import type { DType } from '../dtype.ts';
import { formatShape, OptionError, ShapeError } from '../errors.ts';
import { checkNames } from '../options.ts';
import { Tensor } from '../tensor.ts';
import { copyOf } from '../views.ts';

/** Options of `pad`. */
export interface PadOptions {
  /**
   * What stands around the input: a constant (default), its reflection without the edge, the edge's value, or the
   * values of the other side.
   */
  readonly mode?: PadMode;
  /** The constant; 0 by default. A tensor of integers needs an integer. */
  readonly value?: number;
}

const OPTIONS = { mode: true, value: true } as const satisfies Record<keyof PadOptions, true>;

/**
 * A copy with values before and after it, as `torch.nn.functional.pad`: `padding` has two counts for each dimension,
 * before and after, from the last dimension on: `[left, right, top, bottom]` for images. Negative counts cut off. Holds
 * f32, u32 or i32 values. Saves nothing.
 *
 * As in torch, all modes but `constant` pad the last one, two or three dimensions of a tensor with one or two more.
 * `reflect` takes counts less than the extent, `circular` at most the extent.
 * @throws OptionError for an unknown option, mode or value, and for a padding that is no list of pairs
 * @throws ShapeError for more pairs than dimensions, or counts that do not fit the input
 */
export function pad<D extends DType>(
  input: Tensor<D>,
  padding: readonly number[],
  options: PadOptions = {},
): Tensor<D> {
  checkNames('pad', options, OPTIONS);
  const { mode = 'constant', value = 0 } = options;
  if (!PAD_MODES.includes(mode)) {
    throw new OptionError(`pad: mode must be ${PAD_MODES.join(', ')}, got ${String(mode)}.`);
  }
  if (mode !== 'constant' && value !== 0) {
    throw new OptionError(
      `pad: mode ${mode} takes no value, got ${String(value)}. Leave it out, or use mode constant.`,
    );
  }
  const bits = bitsOf(value, input.dtype);
  const axes = axesOf(input.shape, padding, mode);
  checkMode(mode, axes, padding.length / 2);
  // What is only cut off is the same in all modes.
  const grows = axes.some(({ before, after }) => before > 0 || after > 0);
  return padded('pad', input, axes, grows ? mode : 'constant', { value, bits });
}

/**
 * A copy of the `length` slices along `dim` from `start` on; a negative start counts from the end. Holds f32, u32 or
 * i32 values. Saves nothing.
 * @throws OptionError for a dimension that the input does not have, or a part that is not within it
 * @throws ShapeError for an input without dimensions
 */
export function narrow<D extends DType>(input: Tensor<D>, dim: number, start: number, length: number): Tensor<D> {
  const { shape } = input;
  if (shape.length === 0) throw new ShapeError('narrow: input must have at least one dimension, got shape [].');
  const axis = dimOf('narrow', 'dim', dim, shape);
  const extent = shape[axis]!;
  const first = start < 0 ? start + extent : start;
  if (![first, length, extent - first - length].every((count) => Number.isInteger(count) && count >= 0)) {
    throw new OptionError(
      `narrow: start and length must be those of a part of dimension ${axis}, whose extent is ${extent} in shape ` +
        `${formatShape(shape)}, got start ${String(start)} and length ${String(length)}.`,
    );
  }
  const axes = shape.map((of, i) =>
    i === axis ? { extent, before: -first, after: first + length - extent } : { extent: of, before: 0, after: 0 },
  );
  return padded('narrow', input, axes);
}

function padded<D extends DType>(
  op: string,
  input: Tensor<D>,
  axes: readonly PaddedAxis[],
  mode: PadMode = 'constant',
  { value, bits } = { value: 0, bits: 0 },
): Tensor<D> {
  const { gpu, shape } = input;
  const back = axes.map(({ extent, before, after }) => ({
    extent: before + extent + after,
    before: -before,
    after: -after,
  }));
  return copyOf(
    op,
    input,
    { axes, mode, value },
    (source) => {
      const output = Tensor.empty(
        gpu,
        back.map(({ extent }) => extent),
        source.dtype,
      );
      padKernel(gpu, mode, axes, bits, { input: source.buffer, output: output.buffer });
      return output;
    },
    (outputGrad) => {
      const inputGrad = Tensor.empty(gpu, shape);
      const buffers = { outputGrad: outputGrad.buffer, inputGrad: inputGrad.buffer };
      if (mode !== 'constant') padBackward(gpu, mode, axes, buffers);
      else padKernel(gpu, mode, back, 0, { input: buffers.outputGrad, output: buffers.inputGrad });
      return inputGrad;
    },
  );
}

/** The four bytes of the constant. */
function bitsOf(value: number, dtype: DType): number {
  const whole = dtype === 'f16' || dtype === 'f32' ? undefined : dtype;
  if (typeof value === 'number') {
    if (!whole) return new Uint32Array(Float32Array.of(value).buffer)[0]!;
    const stored = (whole === 'i32' ? Int32Array : Uint32Array).of(value);
    if (stored[0] === value) return new Uint32Array(stored.buffer)[0]!;
  }
  throw new OptionError(`pad: value must be ${whole ? `a value of type ${whole}` : 'a number'}, got ${String(value)}.`);
}

/** The dimensions of the input with their padding. */
function axesOf(shape: readonly number[], padding: readonly number[], mode: PadMode): PaddedAxis[] {
  if (!(Array.isArray(padding) && padding.length % 2 === 0 && padding.every(Number.isInteger))) {
    const found = Array.isArray(padding) ? formatShape(padding) : String(padding);
    throw new OptionError(`pad: padding must be pairs of whole numbers, from the last dimension on, got ${found}.`);
  }
  if (padding.length > 2 * shape.length) {
    throw new ShapeError(
      `pad: padding ${formatShape(padding)} has ${padding.length / 2} pairs, more than input ${formatShape(shape)} has ` +
        'dimensions.',
    );
  }
  const axes = shape.map((extent, i) => {
    const pair = 2 * (shape.length - 1 - i);
    return { extent, before: (padding[pair] as number) ?? 0, after: (padding[pair + 1] as number) ?? 0 };
  });
  for (const [i, { extent, before, after }] of axes.entries()) {
    // As in torch, the other modes may also pad with values that are then cut off.
    const most = mode === 'constant' ? extent : Number.POSITIVE_INFINITY;
    if (before + extent + after >= 0 && Math.max(-before, -after) <= most) continue;
    throw new ShapeError(
      `pad: padding ${before}, ${after} cuts off more than the ${extent} of dimension ${i} of input ${formatShape(shape)}.`,
    );
  }
  if (joinedAxes('constant', axes).length > MOST_AXES) {
    throw new ShapeError(`pad: at most ${MOST_AXES} dimensions can be padded at once, got ${formatShape(padding)}.`);
  }
  return axes;
}

/** Torch's restrictions of the modes. */
function checkMode(mode: PadMode, axes: readonly PaddedAxis[], pairs: number): void {
  if (mode === 'constant') return;
  const shape = axes.map(({ extent }) => extent);
  const others = shape.length - pairs;
  if (pairs < 1 || pairs > 3 || others < 1 || others > 2) {
    throw new ShapeError(
      `pad: mode ${mode} pads the last one, two or three dimensions of a tensor that has one or two more, got ` +
        `${pairs} pairs for input ${formatShape(shape)}.`,
    );
  }
  for (const [i, { extent, before, after }] of axes.entries()) {
    const edge = extent === 0 ? 0 : Number.POSITIVE_INFINITY;
    const most = { reflect: Math.max(extent - 1, 0), replicate: edge, circular: extent }[mode];
    if (Math.max(before, after) <= most) continue;
    throw new ShapeError(
      `pad: mode ${mode} takes at most ${most} before and after dimension ${i} of input ${formatShape(shape)}, got ` +
        `${before} and ${after}.`,
    );
  }
}
