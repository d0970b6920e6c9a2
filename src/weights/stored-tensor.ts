/**
 * A tensor with the bytes of its file. They are what a checkpoint holds, so that a file can be rewritten to the bit;
 * float32 values are made from them only when someone asks. A file may hold a hundred thousand tensors, so one is small.
 */

import { FileError } from '../errors.ts';
import { BYTES_PER_ELEMENT, toFloat32 } from './dtype.ts';
import { countNumbers, type StoredDtype, type TensorData } from './types.ts';

/** A run of values, of which tensors are parts. */
export class StoredValues {
  readonly bytes: Uint8Array;
  readonly dtype: StoredDtype;
  readonly #file: string;
  #floats: Float32Array | undefined;

  /** @param file path, for messages */
  constructor(file: string, dtype: StoredDtype, bytes: Uint8Array) {
    this.#file = file;
    this.dtype = dtype;
    this.bytes = bytes;
  }

  /** All values, made once. @throws FileError if memory runs out */
  get floats(): Float32Array {
    this.#floats ??= this.#decode();
    return this.#floats;
  }

  #decode(): Float32Array {
    try {
      return toFloat32(this.bytes, this.dtype);
    } catch (error) {
      // Typed arrays throw RangeError if memory runs out.
      const reason = (error as Error).message;
      throw new FileError(
        `${this.#file}: ${this.bytes.length} bytes of ${this.dtype} cannot be decoded (${reason}); free memory`,
        { cause: error },
      );
    }
  }
}

export class StoredTensor implements TensorData {
  readonly shape: readonly number[];
  readonly dtype: StoredDtype;
  declare readonly data: Float32Array;
  readonly #values: StoredValues;
  readonly #start: number;
  #data: Float32Array | undefined;

  /** @param start the tensor's first element in `values`; the others follow */
  constructor(shape: readonly number[], values: StoredValues, start = 0) {
    this.shape = shape;
    this.dtype = values.dtype;
    this.#values = values;
    this.#start = start;
    // An own property, so that `{ ...tensor }` has it. All tensors share the function.
    Object.defineProperty(this, 'data', DATA);
  }

  /** Not an own property: `{ ...tensor, data }` has new values, to which these bytes do not belong. */
  get bytes(): Uint8Array {
    const size = BYTES_PER_ELEMENT[this.dtype];
    return this.#values.bytes.subarray(this.#start * size, (this.#start + countNumbers(this.shape)) * size);
  }

  /** Reads the float32 values, which someone may change afterwards. */
  static dataOf(tensor: StoredTensor): Float32Array {
    const start = tensor.#start;
    tensor.#data ??= tensor.#values.floats.subarray(start, start + countNumbers(tensor.shape));
    return tensor.#data;
  }

  /** Whether the float32 values differ from the bytes: then someone changed them. */
  static isChanged(tensor: StoredTensor): boolean {
    const data = tensor.#data;
    if (data === undefined) return false;
    const { bytes, dtype } = tensor;
    return data.buffer !== bytes.buffer && !sameBits(data, toFloat32(bytes, dtype));
  }
}

const DATA: PropertyDescriptor & ThisType<StoredTensor> = {
  enumerable: true,
  get() {
    return StoredTensor.dataOf(this);
  },
};

/** @returns the bytes of a tensor, or undefined if it has none or if its float32 values were changed since */
export function exactBytes(tensor: TensorData): Uint8Array | undefined {
  return tensor instanceof StoredTensor && StoredTensor.isChanged(tensor) ? undefined : tensor.bytes;
}

/** Bytes of a tensor in a file: what its dtype takes, without making float32 values. */
export function storedBytes({ shape, dtype = 'F32' }: TensorData): number {
  return countNumbers(shape) * BYTES_PER_ELEMENT[dtype];
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [left, right] = [bitsOf(a), bitsOf(b)];
  return left.length === right.length && left.every((bits, i) => bits === right[i]);
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
