/** Functions of each element, and comparisons. */
import type { DType, Tensor } from '../../autograd/index.ts';
import * as ops from '../../autograd/index.ts';
import { type Call, NotExpressible, type Op } from '../call.ts';

const unary =
  (op: (x: Tensor, call: Call) => Tensor<DType>): Op =>
  (call) =>
    op(call.float(0), call);

const binary =
  (op: (a: Tensor, b: Tensor) => Tensor<DType>): Op =>
  (call) =>
    op(call.float(0), call.float(1));

/** Of one or more inputs, from the left. */
const variadic =
  (op: (a: Tensor, b: Tensor) => Tensor): Op =>
  (call) =>
    call.floats().reduce(op);

const logical =
  (op: (a: Tensor, b: Tensor) => Tensor<'u32'>): Op =>
  (call) =>
    op(zeroOrOne(call, 0), zeroOrOne(call, 1));

/** 0.2 of 0.2 in single precision. */
const roundedRatio = (ratio: number) => Number(ratio.toPrecision(6));

/** What older versions of Clip have for no bound. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Truth values as f32. */
const zeroOrOne = (call: Call, index: number) => ops.where(call.mask(index), 1, 0);

export const ELEMENTWISE: Readonly<Record<string, Op>> = {
  Abs: unary((x) => ops.abs(x)),
  Exp: unary((x) => ops.exp(x)),
  Log: unary((x) => ops.log(x)),
  Neg: unary((x) => ops.neg(x)),
  Sqrt: unary((x) => ops.sqrt(x)),
  Relu: unary((x) => ops.relu(x)),
  Sigmoid: unary((x) => ops.sigmoid(x)),
  Tanh: unary((x) => ops.tanh(x)),
  Reciprocal: unary((x) => ops.div(1, x)),
  Sign: unary((x) => ops.where(ops.gt(x, 0), 1, ops.where(ops.lt(x, 0), -1, x))),
  Softsign: unary((x) => ops.div(x, ops.add(ops.abs(x), 1))),
  Softplus: unary((x) => ops.add(ops.relu(x), ops.log(ops.add(ops.exp(ops.neg(ops.abs(x))), 1)))),
  Erf: unary((x) => ops.erf(x)),
  Gelu: unary((x, call) => ops.gelu(x, call.text('approximate', 'none') === 'tanh' ? 'tanh' : 'none')),

  LeakyRelu: unary((x, call) => ops.leakyRelu(x, call.number('alpha', 0.01))),
  Elu: unary((x, call) => elu(x, call.number('alpha', 1))),
  Celu: unary((x, call) => {
    const alpha = call.number('alpha', 1);
    return elu(x, alpha, alpha);
  }),
  Selu: unary((x, call) => {
    const [alpha, gamma] = [call.number('alpha', 1.6732632423543772), call.number('gamma', 1.0507009873554805)];
    return ops.mul(elu(x, alpha), gamma);
  }),
  HardSigmoid: unary((x, call) => {
    const [alpha, beta] = [call.number('alpha', 0.2), call.number('beta', 0.5)];
    // torch's hardsigmoid has no parameters.
    if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5) return ops.hardsigmoid(x);
    return ops.clamp(ops.add(ops.mul(x, alpha), beta), 0, 1);
  }),
  HardSwish: unary((x) => ops.hardswish(x)),
  ThresholdedRelu: unary((x, call) => ops.where(ops.gt(x, call.number('alpha', 1)), x, 0)),
  Shrink: unary((x, call) => {
    const [lambda, bias] = [call.number('lambd', 0.5), call.number('bias', 0)];
    const below = ops.where(ops.lt(x, -lambda), ops.add(x, bias), 0);
    return ops.where(ops.gt(x, lambda), ops.sub(x, bias), below);
  }),
  PRelu: (call) => {
    const [x, given] = [call.float(0), call.float(1)];
    // Before version 7 a slope for each channel broadcast from the front.
    const perChannel = call.version < 7 && given.size > 1;
    const slope = perChannel ? ops.reshape(given, [-1, ...x.shape.slice(2).map(() => 1)]) : given;
    return ops.add(ops.relu(x), ops.mul(slope, ops.minimum(x, 0)));
  },
  Clip: unary((x, call) => {
    // Attributes before version 11.
    const bound = (index: number, name: string, none: number) => {
      if (call.has(index)) return call.scalar(index);
      const value = call.number(name, none);
      return Math.abs(value) < LARGEST ? value : undefined;
    };
    const [least, most] = [bound(1, 'min', Number.NEGATIVE_INFINITY), bound(2, 'max', Number.POSITIVE_INFINITY)];
    return least === undefined && most === undefined ? x : ops.clamp(x, least, most);
  }),

  Add: binary((a, b) => ops.add(a, b)),
  Sub: binary((a, b) => ops.sub(a, b)),
  Mul: binary((a, b) => ops.mul(a, b)),
  Div: binary((a, b) => ops.div(a, b)),
  // The type of the result is the base's.
  Pow: (call) => ops.pow(call.float(0), call.real(1)),
  Max: variadic((a, b) => ops.maximum(a, b)),
  Min: variadic((a, b) => ops.minimum(a, b)),
  Sum: variadic((a, b) => ops.add(a, b)),
  Mean: (call) =>
    ops.div(
      call.floats().reduce((a, b) => ops.add(a, b)),
      call.inputs.length,
    ),

  Greater: binary((a, b) => ops.gt(a, b)),
  GreaterOrEqual: binary((a, b) => ops.ge(a, b)),
  Less: binary((a, b) => ops.lt(a, b)),
  LessOrEqual: binary((a, b) => ops.le(a, b)),
  Equal: binary((a, b) => ops.eq(a, b)),
  And: logical((a, b) => ops.gt(ops.mul(a, b), 0)),
  Or: logical((a, b) => ops.gt(ops.add(a, b), 0)),
  Xor: logical((a, b) => ops.ne(a, b)),
  Not: (call) => ops.eq(zeroOrOne(call, 0), 0),
  IsNaN: unary((x) => ops.ne(x, x)),
  Where: (call) => ops.where(call.mask(0), call.float(1), call.float(2)),

  Dropout: (call) => {
    const ratio = call.has(1) ? call.scalar(1) : call.number('ratio', 0.5);
    const { training, random } = call.run;
    if (training && random) return ops.dropout(call.float(0), { p: roundedRatio(ratio), random, masks: 'torch' });
    if (training !== undefined) return call.float(0);
    if (call.has(2) && call.scalar(2) !== 0 && ratio > 0) throw new NotExpressible("NumPy's random numbers");
    if (call.outputs > 1) throw new NotExpressible('the mask');
    return call.float(0);
  },
};

/** x where it is positive, else alpha · (exp(x / scale) − 1). */
function elu(x: Tensor, alpha: number, scale = 1): Tensor {
  const negative = ops.minimum(x, 0);
  const exponential = ops.exp(scale === 1 ? negative : ops.div(negative, scale));
  return ops.add(ops.relu(x), ops.mul(ops.sub(exponential, 1), alpha));
}
