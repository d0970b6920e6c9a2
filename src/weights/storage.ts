/**
 * Makes tensors from storages. It reads each storage once and decodes it to float32. A dense tensor becomes a view; any
 * other is gathered along its strides.
 */

import { BYTES_PER_ELEMENT, toFloat32 } from './dtype.ts';
import { type InputFile, quote } from './file.ts';
import type { StorageRef, TensorRef } from './torch-objects.ts';
import { countNumbers, type StoredDtype, type TensorData } from './types.ts';

/**
 * Limit of elements in all gathered tensors together. A stride of 0 repeats values, so a tiny file can describe a huge
 * tensor. Dense tensors need no memory beyond their storage.
 */
const GATHER_LIMIT_BASE = 2 ** 24;
const GATHER_LIMIT_PER_BYTE = 4;

export class StorageReader {
  readonly #file: InputFile;
  readonly #readBytes: (storage: StorageRef) => Uint8Array;
  readonly #decoded = new Map<string, Float32Array>();
  #gatherLeft: number;

  /** @param readBytes reads all bytes under a storage's key from the container */
  constructor(file: InputFile, readBytes: (storage: StorageRef) => Uint8Array) {
    this.#file = file;
    this.#readBytes = readBytes;
    this.#gatherLeft = GATHER_LIMIT_BASE + GATHER_LIMIT_PER_BYTE * file.size;
  }

  /**
   * Reads one tensor.
   * @param name for messages
   * @throws FileError if the storage is missing or its length differs from the one in the pickle
   */
  readTensor(name: string, ref: TensorRef): TensorData {
    const { shape, storage } = ref;
    const values = this.#values(storage);
    const start = storage.offset + ref.offset;
    const count = countNumbers(shape);
    if (count === 0) return { shape, data: new Float32Array(0), dtype: storage.dtype };
    if (isDense(shape, ref.strides)) {
      return { shape, data: values.subarray(start, start + count), dtype: storage.dtype };
    }
    this.#gatherLeft -= count;
    if (this.#gatherLeft < 0) {
      this.#file.fail(
        `tensor ${quote(name)} of shape [${shape.join(', ')}] repeats values of its storage beyond what the file's ` +
          'size explains, so it is refused; save tensor.clone() instead',
      );
    }
    return { shape, data: gather(values, start, shape, ref.strides), dtype: storage.dtype };
  }

  #values(storage: StorageRef): Float32Array {
    const id = `${storage.dtype} ${storage.key}`;
    let values = this.#decoded.get(id);
    if (values === undefined) {
      const bytes = this.#readBytes(storage);
      const expected = storage.fullLength * BYTES_PER_ELEMENT[storage.dtype];
      if (bytes.length !== expected) {
        this.#file.fail(
          `storage ${quote(storage.key)} has ${bytes.length} bytes, but ${storage.fullLength} values of ` +
            `${storage.dtype} take ${expected}: the file is damaged, save it again`,
        );
      }
      values = this.#decode(bytes, storage.dtype);
      this.#decoded.set(id, values);
    }
    return values;
  }

  #decode(bytes: Uint8Array, dtype: StoredDtype): Float32Array {
    try {
      return toFloat32(bytes, dtype);
    } catch (error) {
      // Typed arrays throw RangeError if memory runs out.
      const reason = (error as Error).message;
      return this.#file.fail(`a storage of ${bytes.length} bytes cannot be decoded (${reason}); free memory`);
    }
  }
}

/** Row-major without gaps. The stride of a dimension of size 1 is never used, and torch writes any value there. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i]!;
  }
  return true;
}

/** Copies in row-major order. Bounds were checked when the tensor was built from the pickle. */
function gather(
  values: Float32Array,
  start: number,
  shape: readonly number[],
  strides: readonly number[],
): Float32Array {
  const out = new Float32Array(countNumbers(shape));
  const index = new Array<number>(shape.length).fill(0);
  let from = start;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from]!;
    // Odometer: increment the last index that is not at its end; reset the indices after it to 0.
    for (let i = shape.length - 1; i >= 0; i--) {
      from += strides[i]!;
      index[i]!++;
      if (index[i]! < shape[i]!) break;
      from -= shape[i]! * strides[i]!;
      index[i] = 0;
    }
  }
  return out;
}
