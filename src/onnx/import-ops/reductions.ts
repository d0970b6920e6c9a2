/** Reductions, and what is normalised along an axis. */
import type { Tensor } from '../../autograd/index.ts';
import * as ops from '../../autograd/index.ts';
import { axisOf, type Call, NotExpressible, type Op } from '../call.ts';

interface KeepDim {
  readonly keepdim: boolean;
}

const reduction =
  (op: (x: Tensor, axes: number[] | undefined, options: KeepDim) => Tensor): Op =>
  (call) => {
    const x = call.float(0);
    const axes = call.integersOf('axes', 1);
    const all = !axes || axes.length === 0;
    if (all && call.number('noop_with_empty_axes', 0) !== 0) return x;
    return op(x, all ? undefined : axes, keepDims(call));
  };

const keepDims = (call: Call): KeepDim => ({ keepdim: call.number('keepdims', 1) !== 0 });

const extremum =
  (op: (x: Tensor, axis: number, options: KeepDim) => Tensor<'u32'>): Op =>
  (call) => {
    // torch's argmax gives the first of equal values.
    if (call.number('select_last_index', 0) !== 0) throw new NotExpressible('the last index of equal values');
    return op(call.float(0), call.number('axis', 0), keepDims(call));
  };

const alongAxis =
  (op: (x: Tensor, axis: number) => Tensor): Op =>
  (call) => {
    const x = call.float(0);
    if (call.version >= 13) return op(x, call.number('axis', -1));
    // Before version 13 all axes from this one on are one.
    const axis = axisOf(call.number('axis', 1), x.shape.length);
    const rows = x.shape.slice(0, axis).reduce((product, extent) => product * extent, 1);
    return ops.reshape(op(ops.reshape(x, [rows, x.size / rows]), 1), x.shape);
  };

export const REDUCTIONS: Readonly<Record<string, Op>> = {
  ReduceSum: reduction((x, axes, options) => ops.sum(x, axes, options)),
  ReduceMean: reduction((x, axes, options) => ops.mean(x, axes, options)),
  ReduceMax: reduction((x, axes, options) => ops.max(x, axes, options)),
  ReduceMin: reduction((x, axes, options) => ops.min(x, axes, options)),
  ReduceL1: reduction((x, axes, options) => ops.sum(ops.abs(x), axes, options)),
  ReduceL2: reduction((x, axes, options) => ops.sqrt(ops.sum(ops.mul(x, x), axes, options))),
  ReduceSumSquare: reduction((x, axes, options) => ops.sum(ops.mul(x, x), axes, options)),
  ReduceLogSum: reduction((x, axes, options) => ops.log(ops.sum(x, axes, options))),
  ReduceLogSumExp: reduction((x, axes, options) => ops.logsumexp(x, axes, options)),
  ArgMax: extremum((x, axis, options) => ops.argmax(x, axis, options)),
  ArgMin: extremum((x, axis, options) => ops.argmin(x, axis, options)),
  Softmax: alongAxis((x, axis) => ops.softmax(x, axis)),
  LogSoftmax: alongAxis((x, axis) => ops.logSoftmax(x, axis)),
};
