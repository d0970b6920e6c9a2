/** Matrix products, convolutions and pooling. */
import type { Tensor } from '../../autograd/index.ts';
import * as ops from '../../autograd/index.ts';
import { type Call, NotExpressible, type Op } from '../call.ts';
import { padded } from './shapes.ts';

type Two = readonly [number, number];

/** What Conv and the pooling ops say about their windows. */
interface Windows {
  readonly kernel: Two;
  readonly stride: Two;
  readonly dilation: Two;
  /** Rows above and columns to the left. */
  readonly before: Two;
  /** Rows below and columns to the right. */
  readonly after: Two;
  readonly ceilMode: boolean;
}

export const WINDOWS: Readonly<Record<string, Op>> = {
  MatMul: (call) => ops.matmul(call.float(0), call.float(1)),
  Gemm: (call) => {
    const flag = (name: string) => call.number(name, 0) !== 0;
    const product = ops.matmul(call.float(0), call.float(1), {
      transposeA: flag('transA'),
      transposeB: flag('transB'),
    });
    const scaled = times(product, call.number('alpha', 1));
    const added = call.optional(2);
    return added ? ops.add(scaled, times(added, call.number('beta', 1))) : scaled;
  },
  Conv: (call) =>
    onImages(call, (x) => {
      const weight = planes(call.float(1));
      const windows = windowsOf(call, x, weight.shape.slice(2));
      const { stride, dilation, before } = windows;
      const options = { stride, dilation, groups: call.number('group', 1) };
      if (isSymmetric(windows)) return ops.conv2d(x, weight, call.optional(2), { ...options, padding: before });
      return ops.conv2d(around(x, windows, 0), weight, call.optional(2), options);
    }),
  MaxPool: (call) => {
    if (call.outputs > 1) throw new NotExpressible('positions of the maxima');
    return onImages(call, (x) => {
      const windows = windowsOf(call, x);
      const { kernel, stride, before, dilation, ceilMode } = windows;
      const options = { kernelSize: kernel, stride, dilation, ceilMode };
      if (isTorchs(windows)) return ops.maxPool2d(x, { ...options, padding: before });
      return ops.maxPool2d(around(x, windows, Number.NEGATIVE_INFINITY), options);
    });
  },
  AveragePool: (call) =>
    onImages(call, (x) => {
      const windows = windowsOf(call, x);
      const { kernel, stride, before, dilation, ceilMode } = windows;
      if (dilation.some((step) => step !== 1)) throw new NotExpressible('dilated averages');
      const countIncludePad = call.number('count_include_pad', 0) !== 0;
      const options = { kernelSize: kernel, stride, ceilMode };
      if (isTorchs(windows)) return ops.avgPool2d(x, { ...options, padding: before, countIncludePad });
      const average = ops.avgPool2d(around(x, windows, 0), options);
      if (countIncludePad) return average;
      const ones = ops.Tensor.from(x.gpu, new Float32Array(x.size).fill(1), x.shape);
      return ops.div(average, ops.avgPool2d(around(ones, windows, 0), options));
    }),
  GlobalAveragePool: (call) => onImages(call, (x) => ops.adaptiveAvgPool2d(x, 1)),
  GlobalMaxPool: (call) => onImages(call, (x) => ops.maxPool2d(x, { kernelSize: x.shape.slice(2) as unknown as Two })),
  // x / (bias + alpha / size · Σ x²)^beta over a window of channels: the average over rows, with channels as rows.
  LRN: (call) => {
    const x = call.float(0);
    const [batch, channels] = x.shape as readonly [number, number];
    const extent = call.number('size', 1);
    if (extent % 2 === 0) throw new NotExpressible('windows of an even number of channels');
    const squares = ops.reshape(ops.mul(x, x), [batch, 1, channels, x.size / batch / channels]);
    const averages = ops.avgPool2d(squares, {
      ...{ kernelSize: [extent, 1], stride: 1, padding: [(extent - 1) / 2, 0], countIncludePad: true },
    });
    const scale = ops.add(ops.mul(averages, call.number('alpha', 1e-4)), call.number('bias', 1));
    return ops.div(x, ops.reshape(ops.pow(scale, call.number('beta', 0.75)), x.shape));
  },
};

const times = (x: Tensor, factor: number) => (factor === 1 ? x : ops.mul(x, factor));

/** Signals [N, C, L] become images of one row. */
function planes(x: Tensor): Tensor {
  const { shape } = x;
  if (shape.length === 3) return ops.reshape(x, shape.toSpliced(2, 0, 1));
  if (shape.length !== 4) throw new NotExpressible(`${shape.length - 2} spatial dimensions`);
  return x;
}

/** Applies an op of images to input 0. */
function onImages(call: Call, op: (images: Tensor) => Tensor): Tensor {
  const x = call.float(0);
  const result = op(planes(x));
  if (x.shape.length === 4) return result;
  return ops.reshape(result, result.shape.toSpliced(2, 1));
}

function isSymmetric({ before, after }: Windows): boolean {
  return before[0] === after[0] && before[1] === after[1];
}

/** Whether torch's pooling takes the padding: at most half of the kernel. */
function isTorchs(windows: Windows): boolean {
  return isSymmetric(windows) && windows.kernel.every((extent, axis) => 2 * windows.before[axis]! <= extent);
}

function around(x: Tensor, { before, after }: Windows, value: number): Tensor {
  return padded(x, [0, 0, ...before, 0, 0, ...after], { value });
}

/** @param images what the windows slide over; @param own the kernel's extents where no attribute has them */
function windowsOf(call: Call, images: Tensor, own?: readonly number[]): Windows {
  const flat = call.float(0).shape.length === 3;
  const two = (name: string, otherwise: number): Two => {
    const [first = otherwise, second = otherwise] = call.integers(name) ?? [];
    return flat ? [otherwise, first] : [first, second];
  };
  const kernel = own ? ([own[0]!, own[1]!] as const) : two('kernel_shape', 1);
  const stride = two('strides', 1);
  const dilation = two('dilations', 1);
  const windows = { kernel, stride, dilation, ceilMode: call.number('ceil_mode', 0) !== 0 };
  const auto = call.text('auto_pad', 'NOTSET');
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    // As many windows as there are strides in the image. The larger half of an odd padding is the upper or the lower.
    const totals = [0, 1].map((axis) => {
      const extent = images.shape[2 + axis]!;
      const last = (Math.ceil(extent / stride[axis]!) - 1) * stride[axis]!;
      return Math.max(0, last + (kernel[axis]! - 1) * dilation[axis]! + 1 - extent);
    }) as [number, number];
    const less = totals.map((total) => Math.floor(total / 2)) as [number, number];
    const more = totals.map((total) => Math.ceil(total / 2)) as [number, number];
    return { ...windows, ...(auto === 'SAME_UPPER' ? { before: less, after: more } : { before: more, after: less }) };
  }
  const pads = call.integers('pads') ?? [];
  const [top = 0, left = 0, bottom = 0, right = 0] = flat && pads.length > 0 ? [0, pads[0]!, 0, pads[1]!] : pads;
  return { ...windows, before: [top, left], after: [bottom, right] };
}
