/**
 * The elementwise ops: a row for each, with the WGSL of its result and of the gradient of each operand. Each is a method
 * of tensors too (`x.mul(w).add(b).relu()`). Tensors of different shapes are broadcast by NumPy's rule, and a number
 * may stand in for one of two operands. A row may call what `shaders/elementwise/parts/functions.wgsl` has. `y` is the
 * result, `grad` its gradient; an op saves the tensors that its gradients name.
 */
import {
  type Comparison,
  comparison,
  elementwiseOp,
  type Pairwise,
  pairwise,
  single,
  type Value,
} from '../elementwise.ts';
import { oneOf } from '../options.ts';
import type { Tensor } from '../tensor.ts';

/** a + b */
export const add: Pairwise = pairwise('add', 'a + b', 'grad', 'grad');
/** a − b */
export const sub: Pairwise = pairwise('sub', 'a - b', 'grad', '-grad');
/** a · b, element by element. */
export const mul: Pairwise = pairwise('mul', 'a * b', 'grad * b', 'grad * a');
/** a / b */
export const div: Pairwise = pairwise('div', 'a / b', 'grad / b', '-grad * (y / b)');
/** The larger value; NaN if one is. Equal values share the gradient. */
export const maximum: Pairwise = pairwise(
  'maximum',
  'select(b, a, a > b || isNan(a))',
  'select(select(grad, 0.5 * grad, a == b), 0.0, a < b)',
  'select(select(grad, 0.5 * grad, a == b), 0.0, b < a)',
);
/** The smaller value; NaN if one is. Equal values share the gradient. */
export const minimum: Pairwise = pairwise(
  'minimum',
  'select(b, a, a < b || isNan(a))',
  'select(select(grad, 0.5 * grad, a == b), 0.0, a > b)',
  'select(select(grad, 0.5 * grad, a == b), 0.0, b > a)',
);
/** a to the power b. NaN for a negative a and a b that is not whole. */
export const pow: Pairwise = pairwise(
  'pow',
  'power(a, b)',
  'select(grad * b * power(a, b - 1.0), 0.0, b == 0.0)',
  'select(grad * y * logOf(a), 0.0, a == 0.0 && b >= 0.0)',
);

/** −x */
export const neg = single('neg', '-x', '-grad');
/** |x|. Its gradient at 0 is 0. */
export const abs = single('abs', 'abs(x)', 'grad * sign(x)');
/** e to the power x. */
export const exp = single('exp', 'expOf(x)', 'grad * y');
/** The natural logarithm: −∞ at 0, NaN below. */
export const log = single('log', 'logOf(x)', 'grad / x');
/** The square root; NaN below 0. */
export const sqrt = single('sqrt', 'sqrt(x)', '0.5 * grad / y');
/** max(x, 0). Its gradient at 0 is 0. */
export const relu = single('relu', 'select(x, 0.0, x < 0.0)', 'select(grad, 0.0, y <= 0.0)');
/** x between 0 and 6, beyond them 0 and 6. */
export const relu6 = single('relu6', 'clampOf(x, 0.0, 6.0)', 'select(0.0, grad, x > 0.0 && x < 6.0)');
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = single('sigmoid', 'logistic(x)', 'grad * y * (1.0 - y)');
/** x / 6 + 1 / 2, between 0 and 1. */
export const hardsigmoid = single(
  'hardsigmoid',
  'clampOf(x + 3.0, 0.0, 6.0) / 6.0',
  'select(0.0, grad / 6.0, x > -3.0 && x < 3.0)',
);
/** The hyperbolic tangent. */
export const tanh = single('tanh', 'tanhOf(x)', 'grad * (1.0 - y * y)');
/** The error function: 2 / √π times the integral of e^(−t²) from 0 to x. */
export const erf = single('erf', 'erf(x)', 'grad * 1.12837917 * expOf(-x * x)');
/** x · sigmoid(x), also called swish. */
export const silu = single('silu', 'x * logistic(x)', 'grad * logistic(x) * (1.0 + x * (1.0 - logistic(x)))');
/** x · hardsigmoid(x) */
export const hardswish = single(
  'hardswish',
  'x * (clampOf(x + 3.0, 0.0, 6.0) / 6.0)',
  'select(select(grad * (x / 3.0 + 0.5), grad, x >= 3.0), 0.0, x < -3.0)',
);

/** x where it is positive, elsewhere slope · x; the slope is 0.01 by default. */
export const leakyRelu: (x: Tensor, slope?: number) => Tensor = single(
  'leakyRelu',
  'select(x * slope, x, x > 0.0)',
  'select(grad * slope, grad, x > 0.0)',
  { slope: 0.01 },
);
/** x between min and max; a bound that is left out is none. If min is above max, max. */
export const clamp: (x: Tensor, min?: number, max?: number) => Tensor = single(
  'clamp',
  'clampOf(x, min, max)',
  'select(0.0, grad, x >= min && x <= max)',
  { min: -Infinity, max: Infinity },
);

const geluExact = single('gelu', 'x * normalCdf(x)', 'grad * (normalCdf(x) + 0.398942280 * x * exp(-0.5 * x * x))');
const geluTanh = elementwiseOp(
  {
    ...{ name: 'gelu', inputs: ['x'], wgsl: '0.5 * x * (1.0 + tanhOf(geluInner(x)))' },
    gradients: { x: 'grad * geluSlope(x, tanhOf(geluInner(x)))' },
  },
  { options: { approximate: 'tanh' } },
);
/** x · Φ(x) with the normal distribution Φ; with `'tanh'` its approximation by tanh, as in GPT-2. */
export const gelu = (x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor =>
  oneOf('gelu', 'approximate', approximate, { none: geluExact, tanh: geluTanh })(x);

/** The condition (u32 or i32) chooses: a where it is not 0, elsewhere b. */
export const where = elementwiseOp(
  {
    ...{ name: 'where', inputs: ['condition', 'a', 'b'], wgsl: 'select(b, a, condition != 0u)' },
    gradients: { a: 'select(0.0, grad, condition != 0u)', b: 'select(grad, 0.0, condition != 0u)' },
  },
  { masks: ['condition'], options: {} },
) as unknown as (condition: Tensor<'u32'> | Tensor<'i32'>, a: Value, b: Value) => Tensor;

/** Whether a = b, as u32: 1 or 0. No gradient; likewise below. */
export const eq: Comparison = comparison('eq', 'a == b');
/** a ≠ b */
export const ne: Comparison = comparison('ne', '!(a == b) || isNan(a) || isNan(b)');
/** a > b */
export const gt: Comparison = comparison('gt', 'a > b');
/** a ≥ b */
export const ge: Comparison = comparison('ge', 'a >= b');
/** a < b */
export const lt: Comparison = comparison('lt', 'a < b');
/** a ≤ b */
export const le: Comparison = comparison('le', 'a <= b');
