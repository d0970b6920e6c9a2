/** Ops that only move values. */
import type { Tensor } from '../../autograd/index.ts';
import * as ops from '../../autograd/index.ts';
import { axisOf, type Call, checkSize, NotExpressible, type Op } from '../call.ts';

/** The values at these places along an axis. */
function select(x: Tensor, axis: number, places: readonly number[]): Tensor {
  return ops.indexSelect(x, axis, ops.Tensor.from(x.gpu, Uint32Array.from(places)));
}

/** Indices, of which negative ones count from the end. */
function indicesOf(call: Call, index: number, extent: number): number[] {
  return call.numbers(index).map((place) => axisOf(place, extent));
}

export const SHAPES: Readonly<Record<string, Op>> = {
  Reshape: (call) => {
    const x = call.any(0);
    const copies = call.number('allowzero', 0) === 0;
    const shape = call.numbers(1).map((extent, axis) => (extent === 0 && copies ? x.shape[axis]! : extent));
    // A file for a fixed number of pictures has that number in its shapes.
    const { size = 0, declared } = call.run.batch ?? {};
    if (declared !== undefined && shape[0] === declared && x.shape[0] === size) shape[0] = size;
    return ops.reshape(x, shape);
  },
  Flatten: (call) => {
    const x = call.any(0);
    const axis = axisOf(call.number('axis', 1), x.shape.length);
    // ONNX makes a matrix of the axes before this one and those from it on; torch joins the axes from one on.
    const matrix = [size(x.shape.slice(0, axis)), size(x.shape.slice(axis))];
    return axis === 1 && x.shape.length > 1 ? ops.flatten(x, 1) : ops.reshape(x, matrix);
  },
  Squeeze: (call) => {
    const x = call.any(0);
    const axes = call.integersOf('axes', 1) ?? x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));
    return descending(axes, x.shape.length).reduce((result, axis) => ops.squeeze(result, axis), x);
  },
  Unsqueeze: (call) => {
    const x = call.any(0);
    const axes = call.neededIntegers('axes', 1);
    return descending(axes, x.shape.length + axes.length)
      .reverse()
      .reduce((result, axis) => ops.unsqueeze(result, axis), x);
  },
  Transpose: (call) => {
    const x = call.any(0);
    return ops.permute(x, call.integers('perm') ?? x.shape.map((_, axis) => x.shape.length - 1 - axis));
  },
  Expand: (call) => {
    const x = call.any(0);
    // An extent of 1 keeps the tensor's own.
    const asked = call.numbers(1);
    const rank = Math.max(asked.length, x.shape.length);
    const at = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
    const shape = Array.from({ length: rank }, (_, axis) => Math.max(at(asked, axis), at(x.shape, axis)));
    checkSize(shape);
    return ops.expand(x, shape);
  },
  Tile: (call) => {
    const x = call.any(0);
    checkSize([x.size, ...call.numbers(1)]);
    return call.numbers(1).reduce(
      (result, count, axis) =>
        ops.concat(
          Array.from({ length: count }, () => result),
          axis,
        ),
      x,
    );
  },
  Concat: (call) =>
    ops.concat(
      call.inputs.map((_, index) => call.any(index)),
      call.number('axis', 0),
    ),
  Split: (call) => {
    const x = call.any(0);
    const axis = axisOf(call.number('axis', 0), x.shape.length);
    const whole = x.shape[axis]!;
    // Of parts that cannot be equal the last is smaller.
    const part = Math.ceil(whole / call.outputs);
    const equal = Array.from({ length: call.outputs }, (_, i) => Math.min(part, whole - i * part));
    let start = 0;
    return (call.integersOf('split', 1) ?? equal).map((length) => {
      const result = ops.narrow(x, axis, start, length);
      start += length;
      return result;
    });
  },
  Slice: (call) => {
    let x = call.any(0);
    const [starts, ends] = [call.neededIntegers('starts', 1), call.neededIntegers('ends', 2)];
    const axes = call.integersOf('axes', 3) ?? starts.map((_, axis) => axis);
    for (const [i, axis] of axes.entries()) {
      const step = call.has(4) ? call.numbers(4)[i]! : 1;
      const places = placesOf(x.shape.at(axis)!, starts[i]!, ends[i]!, step);
      x =
        step === 1
          ? ops.narrow(x, axisOf(axis, x.shape.length), places[0] ?? 0, places.length)
          : select(x, axisOf(axis, x.shape.length), places);
    }
    return x;
  },
  Pad: (call) => {
    const x = call.any(0);
    const pads = call.neededIntegers('pads', 1);
    if (call.has(3)) throw new NotExpressible('padding of chosen axes');
    const mode = call.text('mode', 'constant');
    const value = call.has(2) ? call.scalar(2) : call.number('value', 0);
    return padded(x, pads, mode === 'edge' ? { mode: 'replicate' } : mode === 'reflect' ? { mode } : { value });
  },
  Gather: (call) => {
    const x = call.any(0);
    const axis = axisOf(call.number('axis', 0), x.shape.length);
    const shape = call.value(1).shape;
    const chosen = select(x, axis, indicesOf(call, 1, x.shape[axis]!));
    return ops.reshape(chosen, [...x.shape.slice(0, axis), ...shape, ...x.shape.slice(axis + 1)]);
  },
  GatherElements: (call) => {
    const x = call.any(0);
    const axis = axisOf(call.number('axis', 0), x.shape.length);
    const { shape } = call.value(1);
    const strides = stridesOf(x.shape);
    const own = stridesOf(shape);
    const places = indicesOf(call, 1, x.shape[axis]!).map((place, index) =>
      strides.reduce((sum, stride, at) => {
        const coordinate = Math.floor(index / own[at]!) % shape[at]!;
        return sum + stride * (at === axis ? place : coordinate);
      }, 0),
    );
    return ops.reshape(select(ops.reshape(x, [-1]), 0, places), shape);
  },
  Compress: (call) => {
    const x = call.any(0);
    const places = call.numbers(1).flatMap((kept, place) => (kept ? [place] : []));
    const axis = call.number('axis', Number.NaN);
    if (Number.isNaN(axis)) return select(ops.reshape(x, [-1]), 0, places);
    return select(x, axisOf(axis, x.shape.length), places);
  },
  DepthToSpace: (call) => {
    const x = call.any(0);
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    const block = call.number('blocksize', 1);
    const out = channels / block ** 2;
    const columnRowDepth = call.text('mode', 'DCR') === 'CRD';
    const parts = columnRowDepth ? [out, block, block] : [block, block, out];
    const blocks = ops.reshape(x, [batch, ...parts, height, width]);
    const moved = ops.permute(blocks, columnRowDepth ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
    return ops.reshape(moved, [batch, out, height * block, width * block]);
  },
  SpaceToDepth: (call) => {
    const x = call.any(0);
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    const block = call.number('blocksize', 1);
    const blocks = ops.reshape(x, [batch, channels, height / block, block, width / block, block]);
    const moved = ops.permute(blocks, [0, 3, 5, 1, 2, 4]);
    return ops.reshape(moved, [batch, channels * block ** 2, height / block, width / block]);
  },
};

/** ONNX gives all starts, then all ends, from the first axis; torch gives both for each axis, from the last. */
export function padded(x: Tensor, pads: readonly number[], options: Parameters<typeof ops.pad>[2]): Tensor {
  if (pads.every((count) => count === 0)) return x;
  if (pads.some((count) => count < 0)) throw new NotExpressible('negative padding');
  const axes = pads.length / 2;
  const pairs = Array.from({ length: axes }, (_, axis) => [pads[axis]!, pads[axes + axis]!]).reverse();
  while (pairs.length > 1 && pairs.at(-1)!.every((count) => count === 0)) pairs.pop();
  return ops.pad(x, pairs.flat(), options);
}

/** The indices of a slice, as NumPy counts them. */
export function placesOf(extent: number, start: number, end: number, step: number): number[] {
  const clamped = (place: number) => {
    const counted = axisOf(place, extent);
    return step > 0 ? Math.min(Math.max(counted, 0), extent) : Math.min(Math.max(counted, -1), extent - 1);
  };
  const [first, last] = [clamped(start), clamped(end)];
  return Array.from({ length: Math.max(0, Math.ceil((last - first) / step)) }, (_, i) => first + i * step);
}

const size = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);
const stridesOf = (shape: readonly number[]) => shape.map((_, axis) => size(shape.slice(axis + 1)));

/** Axes counted from the front, the last first. */
function descending(axes: readonly number[], rank: number): number[] {
  return axes.map((axis) => axisOf(axis, rank)).sort((a, b) => b - a);
}
