/** Matrix products, convolutions and pooling. */
import type { Tensor } from '../../../src/autograd/index.ts';
import { Tensor as Tensors } from '../../../src/autograd/index.ts';
import { type Call, NotExpressible, type Op } from '../call.ts';
import { ops } from '../engine.ts';
import { padded } from './shapes.ts';

type Two = readonly [number, number];

/** What Conv and the pooling ops say about their windows. */
interface Windows {
  readonly kernel: Two;
  readonly stride: Two;
  readonly dilation: Two;
  /** Rows above, columns to the left, rows below, columns to the right. */
  readonly pads: readonly [number, number, number, number];
  readonly ceilMode: boolean;
}

export const WINDOWS: Readonly<Record<string, Op>> = {
  MatMul: (call) => ops.matmul!(call.float(0), call.float(1)),
  Gemm: (call) => {
    const flag = (name: string) => call.number(name, 0) !== 0;
    const product = ops.matmul!(call.float(0), call.float(1), {
      transposeA: flag('transA'),
      transposeB: flag('transB'),
    });
    const scaled = times(product, call.number('alpha', 1));
    const added = call.optional(2);
    return added ? ops.add!(scaled, times(added, call.number('beta', 1))) : scaled;
  },
  Conv: (call) =>
    onImages(call, (x) => {
      const weight = planes(call.float(1));
      const { stride, dilation, pads } = windowsOf(call, x, weight.shape.slice(2));
      const options = { stride, dilation, groups: call.number('group', 1) };
      if (isSymmetric(pads)) return ops.conv2d!(x, weight, call.optional(2), { ...options, padding: pads.slice(0, 2) });
      return ops.conv2d!(around(x, pads, 0), weight, call.optional(2), options);
    }),
  MaxPool: (call) => {
    if (call.outputs > 1) throw new NotExpressible('positions of the maxima');
    return onImages(call, (x) => {
      const { kernel, stride, pads, dilation, ceilMode } = windowsOf(call, x);
      const options = { kernelSize: kernel, stride, dilation, ceilMode };
      // torch's own padding reaches at most half of the kernel.
      if (isSymmetric(pads) && kernel.every((extent, axis) => 2 * pads[axis]! <= extent)) {
        return ops.maxPool2d!(x, { ...options, padding: pads.slice(0, 2) });
      }
      return ops.maxPool2d!(around(x, pads, Number.NEGATIVE_INFINITY), options);
    });
  },
  AveragePool: (call) =>
    onImages(call, (x) => {
      const { kernel, stride, pads, ceilMode } = windowsOf(call, x);
      const countIncludePad = call.number('count_include_pad', 0) !== 0;
      const options = { kernelSize: kernel, stride, ceilMode };
      if (isSymmetric(pads) && kernel.every((extent, axis) => 2 * pads[axis]! <= extent)) {
        return ops.avgPool2d!(x, { ...options, padding: pads.slice(0, 2), countIncludePad });
      }
      const average = ops.avgPool2d!(around(x, pads, 0), options);
      if (countIncludePad) return average;
      const ones = Tensors.from(x.gpu, new Float32Array(x.size).fill(1), x.shape);
      return ops.div!(average, ops.avgPool2d!(around(ones, pads, 0), options));
    }),
  GlobalAveragePool: (call) => onImages(call, (x) => ops.adaptiveAvgPool2d!(x, 1)),
  GlobalMaxPool: (call) => onImages(call, (x) => ops.maxPool2d!(x, { kernelSize: x.shape.slice(2) as unknown as Two })),
  // x / (bias + alpha / size · Σ x²)^beta over a window of channels: the average over rows, with channels as rows.
  LRN: (call) => {
    const x = call.float(0);
    const [batch, channels] = x.shape as readonly [number, number];
    const extent = call.number('size', 1);
    if (extent % 2 === 0) throw new NotExpressible('windows of an even number of channels');
    const squares = ops.reshape!(ops.mul!(x, x), [batch, 1, channels, x.size / batch / channels]);
    const averages = ops.avgPool2d!(squares, {
      ...{ kernelSize: [extent, 1], stride: 1, padding: [(extent - 1) / 2, 0], countIncludePad: true },
    });
    const scale = ops.add!(ops.mul!(averages, call.number('alpha', 1e-4)), call.number('bias', 1));
    return ops.div!(x, ops.reshape!(ops.pow!(scale, call.number('beta', 0.75)), x.shape));
  },
};

const times = (x: Tensor, factor: number) => (factor === 1 ? x : ops.mul!(x, factor));

/** Signals [N, C, L] become images of one row. */
function planes(x: Tensor): Tensor {
  const { shape } = x;
  if (shape.length === 3) return ops.reshape!(x, [shape[0], shape[1], 1, shape[2]]);
  if (shape.length !== 4) throw new NotExpressible(`${shape.length - 2} spatial dimensions`);
  return x;
}

/** Applies an op of images to input 0. */
function onImages(call: Call, op: (images: Tensor) => Tensor): Tensor {
  const x = call.float(0);
  const result = op(planes(x));
  if (x.shape.length === 4) return result;
  const [batch, channels, , width] = result.shape;
  return ops.reshape!(result, [batch, channels, width]);
}

function isSymmetric([top, left, bottom, right]: Windows['pads']): boolean {
  return top === bottom && left === right;
}

function around(x: Tensor, [top, left, bottom, right]: Windows['pads'], value: number): Tensor {
  return padded(x, [0, 0, top, left, 0, 0, bottom, right], { value });
}

/** @param images what the windows slide over; @param own the kernel's extents where no attribute has them */
function windowsOf(call: Call, images: Tensor, own?: readonly number[]): Windows {
  const flat = call.float(0).shape.length === 3;
  const two = (name: string, otherwise: number): Two => {
    const found = call.integers(name);
    if (!found || found.length === 0) return [otherwise, otherwise];
    return flat ? [otherwise, found[0]!] : [found[0]!, found[1]!];
  };
  const kernel = own ? ([own[0]!, own[1]!] as const) : two('kernel_shape', 1);
  const stride = two('strides', 1);
  const dilation = two('dilations', 1);
  const auto = call.text('auto_pad', 'NOTSET');
  const given = call.integers('pads') ?? [];
  let pads: Windows['pads'] = [0, 0, 0, 0];
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const both = (axis: 0 | 1): Two => {
      const extent = images.shape[2 + axis]!;
      const reach = (Math.ceil(extent / stride[axis]) - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
      const total = Math.max(0, reach - extent);
      const less = Math.floor(total / 2);
      return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
    };
    const [rows, columns] = [both(0), both(1)];
    pads = [rows[0], columns[0], rows[1], columns[1]];
  } else if (given.length > 0) {
    pads = flat ? [0, given[0]!, 0, given[1]!] : (given as unknown as Windows['pads']);
  }
  return { kernel, stride, dilation, pads, ceilMode: call.number('ceil_mode', 0) !== 0 };
}
