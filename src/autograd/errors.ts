/** Typed errors of the engine's ops, and the checks that throw them. */
import { DawngradError } from '../errors.ts';
import { DeviceMismatchError } from '../gpu/errors.ts';
import type { DType } from './dtype.ts';

/** What is checked of a tensor, which throws some of these itself. */
interface Checked {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** The same, with what it lives on. */
interface CheckedMemory extends Checked {
  readonly disposed: boolean;
  readonly gpu: unknown;
}

/** A tensor has a shape that an op cannot work with. */
export class ShapeError extends DawngradError {
  override name = 'ShapeError';
}

/** A tensor has an element type that an op cannot work with, or not as it is used. */
export class DTypeError extends DawngradError {
  override name = 'DTypeError';
}

/** A tensor is used after its memory was given back, by `dispose()` or at the end of a scope. */
export class DisposedTensorError extends DawngradError {
  override name = 'DisposedTensorError';
}

/** A graph cannot run backward: it was used up, or something that it needs has changed or was not saved. */
export class GraphError extends DawngradError {
  override name = 'GraphError';
}

/** More tensors live outside any scope than can be meant. */
export class TensorLeakError extends DawngradError {
  override name = 'TensorLeakError';
}

/** An option or argument of an op, a module or an optimizer has a value that it cannot have, or is not known. */
export class OptionError extends DawngradError {
  override name = 'OptionError';
}

/** A gradient does not agree with what finite differences say. */
export class GradientMismatchError extends DawngradError {
  override name = 'GradientMismatchError';
}

/** `[2, 3]`, as messages write a shape. */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Throws unless the tensor has this shape. A number is an extent it must have, a string the name of one that is free:
 * `expectShape('conv2d', 'weight', weight, ['O', 64, 'H', 'W'])`.
 */
export function expectShape(op: string, name: string, tensor: Checked, expected: readonly (number | string)[]): void {
  const { shape } = tensor;
  const fits =
    shape.length === expected.length &&
    expected.every((extent, i) => typeof extent === 'string' || extent === shape[i]);
  if (!fits)
    throw new ShapeError(`${op}: ${name} must have shape ${formatShape(expected)}, got ${formatShape(shape)}.`);
}

/** Throws DTypeError unless the tensor has this element type. */
export function expectDType(op: string, name: string, tensor: Checked, dtype: DType): void {
  if (tensor.dtype !== dtype) throw new DTypeError(`${op}: ${name} must hold ${dtype} values, got ${tensor.dtype}.`);
}

/** The four extents of an NCHW tensor; throws if it has another number of dimensions. */
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
    if (!tensor) continue;
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
