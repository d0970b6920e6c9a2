/** Typed errors of the engine's ops, and the checks that throw them. */
import { DawngradError } from '../errors.ts';
import { DeviceMismatchError } from '../gpu/errors.ts';
import type { DType } from './dtype.ts';

/** The checked facts of a tensor. Tensor itself throws some of these errors, so its class is not imported here. */
interface Checked {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** The same, with the tensor's memory. */
interface CheckedMemory extends Checked {
  readonly disposed: boolean;
  readonly gpu: unknown;
}

/** A tensor has a shape that an op cannot use. */
export class ShapeError extends DawngradError {
  override name = 'ShapeError';
}

/** A tensor has an element type that an op cannot use, or cannot use in this way. */
export class DTypeError extends DawngradError {
  override name = 'DTypeError';
}

/** A tensor was used after its memory was freed, by `dispose()` or at the end of a scope. */
export class DisposedTensorError extends DawngradError {
  override name = 'DisposedTensorError';
}

/** A graph cannot run backward: it was used up, or data that it needs has changed or was not saved. */
export class GraphError extends DawngradError {
  override name = 'GraphError';
}

/** More tensors live outside any scope than a program can intend. */
export class TensorLeakError extends DawngradError {
  override name = 'TensorLeakError';
}

/** An option or argument of an op, a module or an optimizer is unknown or has an invalid value. */
export class OptionError extends DawngradError {
  override name = 'OptionError';
}

/** A gradient disagrees with finite differences. */
export class GradientMismatchError extends DawngradError {
  override name = 'GradientMismatchError';
}

/** `[2, 3]`: a shape as messages write it. */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Throws ShapeError unless the tensor has this shape. A number is a required extent; a string names a free one:
 * `expectShape('conv2d', 'weight', weight, ['O', 64, 'H', 'W'])`.
 */
export function expectShape(op: string, name: string, tensor: Checked, expected: readonly (number | string)[]): void {
  expectTensor(op, name, tensor);
  const { shape } = tensor;
  const fits =
    shape.length === expected.length &&
    expected.every((extent, i) => typeof extent === 'string' || extent === shape[i]);
  if (!fits)
    throw new ShapeError(`${op}: ${name} must have shape ${formatShape(expected)}, got ${formatShape(shape)}.`);
}

/** Throws OptionError for a number, an array or nothing in the place of a tensor. */
export function expectTensor(op: string, name: string, tensor: unknown): void {
  if (typeof tensor === 'object' && tensor !== null && 'dtype' in tensor) return;
  const found = Array.isArray(tensor) ? 'an array' : tensor === null ? 'null' : `type ${typeof tensor}`;
  throw new OptionError(`${op}: ${name} must be a tensor, got ${found}. Tensor.from makes one of numbers.`);
}

/** Throws DTypeError unless the tensor has this element type. */
export function expectDType(op: string, name: string, tensor: Checked, dtype: DType): void {
  expectTensor(op, name, tensor);
  if (tensor.dtype !== dtype) throw new DTypeError(`${op}: ${name} must hold ${dtype} values, got ${tensor.dtype}.`);
}

/** Returns the four extents of an NCHW tensor. Throws ShapeError unless it has four dimensions. */
export function expectImages(op: string, name: string, tensor: Checked): [number, number, number, number] {
  expectShape(op, name, tensor, ['N', 'C', 'H', 'W']);
  return [...tensor.shape] as [number, number, number, number];
}

/**
 * Throws unless the tensors can be used together: none is disposed, and all are on the device of the first.
 * @throws DisposedTensorError, DeviceMismatchError
 */
export function expectUsable(op: string, tensors: Readonly<Record<string, CheckedMemory | undefined>>): void {
  let first: readonly [name: string, gpu: unknown] | undefined;
  for (const name in tensors) {
    const tensor = tensors[name];
    if (tensor === undefined) continue;
    expectTensor(op, name, tensor);
    if (tensor.disposed) {
      throw new DisposedTensorError(
        `${op}: ${name} ${formatShape(tensor.shape)} was disposed, by dispose() or at the end of the scope it was made in. ` +
          'Return it from the scope, or keep() it.',
      );
    }
    first ??= [name, tensor.gpu];
    if (tensor.gpu === first[1]) continue;
    throw new DeviceMismatchError(
      `${op}: ${name} ${formatShape(tensor.shape)} is on another device than ${first[0]}. Make all tensors of an op on one Gpu.`,
    );
  }
}
