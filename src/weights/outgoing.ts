/** Tensors on their way into a file, of either format: what is written of each, and what cannot be. */

import { FileError } from '../errors.ts';
import { quote } from '../printable.ts';
import { BYTES_PER_ELEMENT } from './dtype.ts';
import { isCounts } from './safetensors.ts';
import { exactBytes } from './stored-tensor.ts';
import { countNumbers, type StoredDtype, type TensorData } from './types.ts';

/** A tensor on its way into the file. */
export interface Outgoing {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly size: number;
  /** Made when it is written, so that not all converted tensors are in memory at once. */
  readonly bytes: () => Uint8Array;
}

/**
 * Checks a tensor that is to be written. One that was read is written as it was stored; one made in memory is F32, or
 * I64 if its `dtype` says so.
 * @param path of the file, for messages
 * @throws FileError if its data does not fit its shape, or an I64 value is not whole
 */
export function outgoing(path: string, name: string, tensor: TensorData): Outgoing {
  if (/\p{Cs}/u.test(name)) throw new FileError(`${path}: tensor ${quote(name)} holds half a character; rename it`);
  const { shape, dtype: stored = 'F32' } = tensor;
  const bytes = exactBytes(tensor);
  if (bytes !== undefined) {
    const size = isCounts(shape) ? countNumbers(shape) * BYTES_PER_ELEMENT[stored] : -1;
    if (size !== bytes.length) failShape(path, name, shape, size, 'bytes', bytes.length);
    return { name, dtype: stored, shape, size, bytes: () => bytes };
  }
  const { data } = tensor;
  if (!isCounts(shape) || countNumbers(shape) !== data.length) {
    failShape(path, name, shape, countNumbers(shape), 'values', data.length);
  }
  const dtype = stored === 'I64' ? 'I64' : 'F32';
  if (dtype === 'I64' && !data.every((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 63)) {
    throw new FileError(
      `${path}: not written: tensor ${quote(name)} has dtype I64 but holds values that are not whole; use F32`,
    );
  }
  return { name, dtype, shape, size: data.length * BYTES_PER_ELEMENT[dtype], bytes: () => encode(data, dtype) };
}

function failShape(
  path: string,
  name: string,
  shape: readonly number[],
  needed: number,
  unit: string,
  found: number,
): never {
  throw new FileError(
    `${path}: not written: tensor ${quote(name)} of shape [${shape.join(', ')}] needs ${needed} ${unit}, but has ` +
      `${found}; correct its shape or its data`,
  );
}

function encode(data: Float32Array, dtype: 'F32' | 'I64'): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(BigInt64Array.from(data, (value) => BigInt(value)).buffer);
}
