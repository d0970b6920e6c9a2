/**
 * Elementwise ops from WGSL expressions: one of the result, one of each gradient. Operands are tensors, broadcast by
 * NumPy's rule, or numbers. The library's own ops (`ops/elementwise.ts`) are made this way, and users' ops can be.
 */
import { defineExpression, type Operand, type OperandValue } from '../kernels/elementwise/expression.ts';
import { broadcastShape } from '../kernels/strides.ts';
import type { DType } from './dtype.ts';
import { expectDType, expectTensor, expectUsable, formatShape, OptionError, ShapeError } from './errors.ts';
import { record } from './graph.ts';
import { checkNames as checkOptions } from './options.ts';
import { sumTo } from './sum-to.ts';
import { type Shape, Tensor } from './tensor.ts';
import { tell } from './tracing.ts';

/** An elementwise computation. */
export interface ElementwiseKernel {
  /** Name in timings and errors. */
  readonly name: string;
  /** The names of the operands in the expressions, in order: 1 to 7 (5 with gradients), valid as WGSL variables. */
  readonly inputs: readonly string[];
  /** A WGSL expression of type f32, such as `max(x, 0.0)`. */
  readonly wgsl: string;
  /**
   * d(loss)/d(operand) by the operand's name: WGSL expressions of the operands, of the result `y`, and of the result's
   * gradient `grad`; '0.0' for none. With them the op is recorded for backward; without, its results require no
   * gradient.
   */
  readonly gradients?: Readonly<Record<string, string>>;
  /** Numbers that follow the operands in a call, by name, with their defaults. */
  readonly parameters?: Readonly<Record<string, number>>;
}

/** A tensor, or one number in its place. */
export type Value = Tensor | number;

/** How an op takes and gives other types than f32. */
interface Types {
  /** Operands of type u32 or i32, which an expression sees as u32. */
  readonly masks?: readonly string[];
  /** The expression's type is bool, and the result u32: 0 or 1. */
  readonly result?: 'f32' | 'u32';
  /** For an op of the library: what tells it from others of its name, for exports. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Storage buffers that every device can bind at once: operands and a result; in a gradient also `y` and `grad`. */
const MOST_BUFFERS = 8;

/**
 * Makes a function that takes one f32 tensor or number per input name, then the parameters, and returns a new tensor of
 * the shape that they broadcast to. With `gradients` it is a differentiable op, which saves the tensors that they name:
 *
 *     const softplus = elementwise({
 *       name: 'softplus',
 *       inputs: ['x'],
 *       wgsl: 'log(1.0 + exp(x))',
 *       gradients: { x: 'grad / (1.0 + exp(-x))' },
 *     });
 *
 * Without, it records nothing: an op calls it and then `record`, and calls it again in its backward.
 *
 * The function throws ShapeError if the tensors do not fit each other or their count is wrong. An expression that does
 * not compile is a GpuError at a later call.
 *
 * @throws RangeError for an invalid count of inputs or an invalid name
 */
export function elementwise(kernel: ElementwiseKernel): (...values: Value[]) => Tensor {
  return elementwiseOp(kernel, {}) as (...values: Value[]) => Tensor;
}

/** The same with other types. For ops of the library. */
export function elementwiseOp(kernel: ElementwiseKernel, { masks = [], result = 'f32', options }: Types) {
  checkNames(kernel, masks);
  const { name, inputs, wgsl, gradients = {}, parameters = {} } = kernel;
  const operands = inputs.map((input): Operand => ({ name: input, type: masks.includes(input) ? 'u32' : 'f32' }));
  const defaults = Object.entries(parameters);
  const parameterNames = Object.keys(parameters);
  const forward = defineExpression({ name, operands, parameters: parameterNames, wgsl, result });
  const slopes = Object.entries(gradients).map(([input, expression]) => {
    const mentions = (word: string) => new RegExp(`\\b${word}\\b`).test(expression);
    const read = [...operands, RESULT, GRADIENT].filter((operand) => mentions(operand.name));
    return {
      ...{ input, read: read.map((operand) => operand.name) },
      // The result's gradient itself needs no kernel.
      run:
        expression.trim() === 'grad'
          ? undefined
          : defineExpression({
              name: `${name}_backward`,
              ...{ operands: read, parameters: parameterNames, wgsl: expression, result: 'f32' },
            }),
    };
  });

  return (...given: (Value | undefined)[]): Tensor => {
    const values = given.slice(0, inputs.length) as Value[];
    checkCount(kernel, given);
    const numbers = defaults.map(([parameter, usual], i) =>
      numberOf(name, parameter, given[inputs.length + i] ?? usual),
    );
    const tensors = Object.fromEntries(values.map((value, i) => [inputs[i]!, value]));
    const first = checkValues(name, inputs, values, masks);
    const shape = resultShape(name, tensors);
    const output = Tensor.empty(first.gpu, shape, result as 'f32');
    forward(first.gpu, shape, values.map(operandOf), numbers, output.buffer);
    const described = options && {
      ...options,
      ...Object.fromEntries(parameterNames.map((parameter, i) => [parameter, numbers[i]])),
    };
    if (slopes.length === 0) {
      output.holdings.label = name;
      tell({ name, inputs: tensors, options: described, output });
      return output;
    }
    const wanted = slopes.filter(({ input }) => {
      const value = tensors[input];
      return value instanceof Tensor && value.requiresGrad;
    });
    const readable: Readonly<Record<string, Value>> = { ...tensors, y: output };
    const saved = [...new Set(wanted.flatMap(({ read }) => read))].map((one) => readable[one]);
    const inputTensors = Object.entries(tensors).filter(
      (entry): entry is [string, Tensor] => entry[1] instanceof Tensor,
    );
    return record({
      ...{ name, output, inputs: Object.fromEntries(inputTensors) },
      constants: tensors,
      ...(described && { options: described }),
      saved: saved.filter((one) => one instanceof Tensor),
      backward: (grad, needs) =>
        inputTensors.map(([input, tensor], i) => {
          const slope = needs[i] && slopes.find((one) => one.input === input);
          if (!slope) return undefined;
          if (!slope.run) return sumTo(grad, tensor.shape);
          const full = Tensor.empty(grad.gpu, shape);
          const all: Readonly<Record<string, Value>> = { ...readable, grad };
          slope.run(
            grad.gpu,
            shape,
            slope.read.map((one) => operandOf(all[one]!)),
            numbers,
            full.buffer,
          );
          return sumTo(full, tensor.shape);
        }),
    });
  };
}

/** An op of one tensor. */
export type Single = (x: Tensor) => Tensor;
/** An op of two operands, one of which may be a number. */
export type Pairwise = (a: Value, b: Value) => Tensor;
/** A comparison: 1 where it holds, else 0. */
export type Comparison = (a: Value, b: Value) => Tensor<'u32'>;

/** A row for an op of one tensor `x`, and of numbers by name. */
export function single(name: string, wgsl: string, gradient: string): Single;
export function single(
  name: string,
  wgsl: string,
  gradient: string,
  parameters: Readonly<Record<string, number>>,
): (x: Tensor, ...parameters: (number | undefined)[]) => Tensor;
export function single(
  name: string,
  wgsl: string,
  gradient: string,
  parameters: Readonly<Record<string, number>> = {},
): (x: Tensor, ...parameters: (number | undefined)[]) => Tensor {
  const op = elementwiseOp({ name, inputs: ['x'], wgsl, gradients: { x: gradient }, parameters }, { options: {} });
  return (x, ...numbers) => op(x, ...numbers);
}

/** A row for an op of `a` and `b`. */
export function pairwise(name: string, wgsl: string, gradientA: string, gradientB: string): Pairwise {
  const op = elementwiseOp(
    { name, inputs: ['a', 'b'], wgsl, gradients: { a: gradientA, b: gradientB } },
    { options: {} },
  );
  return (...values) => op(...values);
}

/** A row for a comparison of `a` and `b`. */
export function comparison(name: string, wgsl: string): Comparison {
  const op = elementwiseOp({ name, inputs: ['a', 'b'], wgsl }, { result: 'u32', options: {} });
  return (...values) => op(...values) as unknown as Tensor<'u32'>;
}

const RESULT: Operand = { name: 'y', type: 'f32' };
const GRADIENT: Operand = { name: 'grad', type: 'f32' };

const operandOf = (value: Value): OperandValue =>
  typeof value === 'number' ? value : { buffer: value.buffer, shape: value.shape };

function checkCount({ name, inputs, parameters = {} }: ElementwiseKernel, given: readonly unknown[]): void {
  const names = [...inputs, ...Object.keys(parameters)];
  if (given.length >= inputs.length && given.length <= names.length) return;
  throw new ShapeError(
    `${name}: takes ${names.length === 1 ? 'one value' : `${names.length} values`} (${names.join(', ')}), got ${given.length}.`,
  );
}

function numberOf(name: string, parameter: string, value: unknown): number {
  if (typeof value === 'number') return value;
  throw new OptionError(`${name}: ${parameter} must be a number, got type ${typeof value}.`);
}

/** Checks the values of a call. Returns the first tensor. */
function checkValues(
  name: string,
  inputs: readonly string[],
  values: readonly Value[],
  masks: readonly string[],
): Tensor {
  const tensors: Record<string, Tensor> = {};
  values.forEach((value, i) => {
    const input = inputs[i]!;
    if (value instanceof Tensor) tensors[input] = value;
    else if (masks.includes(input) || inputs.length === 1) expectTensor(name, input, value);
    else if (typeof value !== 'number') {
      throw new OptionError(`${name}: ${input} must be a tensor or a number, got type ${typeof value}.`);
    }
  });
  const [first] = Object.values(tensors);
  if (!first) {
    throw new OptionError(`${name}: at least one of ${inputs.join(', ')} must be a tensor, got numbers alone.`);
  }
  expectUsable(name, tensors);
  for (const [input, tensor] of Object.entries(tensors)) {
    if (!masks.includes(input)) expectDType(name, input, tensor, 'f32');
    else if ((tensor.dtype as DType) !== 'i32') expectDType(name, input, tensor, 'u32');
  }
  return first;
}

function resultShape(name: string, values: Readonly<Record<string, Value>>): Shape {
  const tensors = Object.entries(values).filter((entry): entry is [string, Tensor] => entry[1] instanceof Tensor);
  const shape = broadcastShape(tensors.map(([, tensor]) => tensor.shape));
  if (shape) return shape;
  const found = tensors.map(([input, tensor]) => `${input} ${formatShape(tensor.shape)}`);
  throw new ShapeError(
    `${name}: ${found.join(' and ')} do not fit. Aligned at the last dimension, extents must be equal, or one of them 1.`,
  );
}

/** WGSL's keywords that could pass for a name. */
const KEYWORDS = new Set(
  'alias break case const continue continuing default diagnostic discard else enable false fn for if let loop override requires return struct switch true var while'.split(
    ' ',
  ),
);

function checkNames(kernel: ElementwiseKernel, masks: readonly string[]): void {
  checkOptions('elementwise', kernel, { name: true, inputs: true, wgsl: true, gradients: true, parameters: true });
  const { name, inputs, parameters = {}, gradients = {} } = kernel;
  const given = Object.keys(gradients);
  const unknown = given.find((input) => !inputs.includes(input));
  if (unknown !== undefined) throw new RangeError(`${name}: has no input ${unknown} to give a gradient.`);
  const missing = given.length > 0 && inputs.find((input) => !given.includes(input) && !masks.includes(input));
  if (missing) {
    throw new RangeError(`${name}: gradients lacks ${missing}. Give its expression; '0.0' if no gradient flows to it.`);
  }
  const taken = given.length > 0 ? ['y', 'grad'] : [];
  const most = MOST_BUFFERS - 1 - taken.length;
  if (inputs.length < 1 || inputs.length > most) {
    throw new RangeError(`${name}: takes 1 to ${most} inputs, got ${inputs.length}.`);
  }
  const names = [...inputs, ...Object.keys(parameters)];
  const wrong = names.find(
    (one, i) => !/^[A-Za-z]\w*$/.test(one) || KEYWORDS.has(one) || taken.includes(one) || names.indexOf(one) !== i,
  );
  if (wrong !== undefined) {
    throw new RangeError(
      `${name}: inputs must have different names, each a letter and then letters, digits or _, and no word of WGSL` +
        `${taken.map((word) => `, not ${word}`).join('')}, got ${names.join(', ')}.`,
    );
  }
}
