/** Values from the host: the element type of each array class, and which arrays are rejected. */
import type { DType, ValuesOf } from './dtype.ts';
import { DTypeError } from './errors.ts';
import { toHalf } from './half.ts';

/** Arrays of numbers that a tensor can be made from. */
export type HostValues =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | readonly number[];

const INTEGERS = {
  u32: { Values: Uint32Array, least: 0, most: 2 ** 32 - 1 },
  i32: { Values: Int32Array, least: -(2 ** 31), most: 2 ** 31 - 1 },
} as const;

const EXPECTED = 'Give a Float32Array, Float64Array, Int32Array, Uint32Array or an array of numbers';

/** The name of an array's class in messages: `Uint8Array`, `Array`, `string`. */
function nameOf(data: unknown): string {
  return typeof data === 'object' && data !== null ? (data.constructor?.name ?? 'object') : typeof data;
}

/**
 * The default element type of an array.
 * @throws DTypeError for an array that may mean several types, or none
 */
export function dtypeOf(data: HostValues): 'f32' | 'u32' | 'i32' {
  if (data instanceof Uint32Array) return 'u32';
  if (data instanceof Int32Array) return 'i32';
  if (data instanceof Float32Array || data instanceof Float64Array || Array.isArray(data)) return 'f32';
  checkArray(data);
  throw new DTypeError(
    `Tensor.from: a ${nameOf(data)} can mean several element types. Name one: ` +
      `Tensor.from(gpu, data, shape, 'f32').`,
  );
}

/**
 * The values in the host array of this type; the array itself if it fits. Float64 values are rounded to f32. Integers
 * must be whole and in range.
 * @throws DTypeError if the data is no array of numbers
 * @throws RangeError for a value that the type cannot hold
 */
export function toValues<D extends DType>(data: HostValues, dtype: D): ValuesOf[D] {
  checkArray(data);
  return (dtype === 'u32' || dtype === 'i32' ? toIntegers(data, dtype) : toFloats(data)) as ValuesOf[D];
}

/** The bytes of values as the device stores them. */
export function toStored(values: ValuesOf[DType], dtype: DType): ArrayBufferView<ArrayBuffer> {
  return dtype === 'f16' ? toHalf(values) : values;
}

function checkArray(data: HostValues): void {
  const typed = ArrayBuffer.isView(data) && 'length' in data;
  if (!typed && !Array.isArray(data)) throw new DTypeError(`A tensor cannot hold ${nameOf(data)} data. ${EXPECTED}.`);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    throw new DTypeError(`A tensor cannot hold the values of a ${nameOf(data)}: they have 64 bits. ${EXPECTED}.`);
  }
  if (typed) return;
  const wrong = data.findIndex((value) => typeof value !== 'number');
  if (wrong < 0) return;
  const nested = Array.isArray(data[wrong]) ? ' Flatten nested arrays, and pass their shape too.' : '';
  throw new DTypeError(
    `A tensor holds numbers, but element ${wrong} is of type ${nameOf(data[wrong])}. ${EXPECTED}.${nested}`,
  );
}

/** WebGPU uploads from memory that no other thread can change, so shared memory is copied. */
const isOwn = (data: HostValues) => ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer;

function toFloats(data: HostValues): Float32Array<ArrayBuffer> {
  if (data instanceof Float32Array && isOwn(data)) return data as Float32Array<ArrayBuffer>;
  return Float32Array.from(data);
}

function toIntegers(data: HostValues, dtype: 'u32' | 'i32'): Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  const { Values, least, most } = INTEGERS[dtype];
  if (data instanceof Values && isOwn(data)) return data as Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  const wrong = Array.prototype.findIndex.call(
    data,
    (value: number) => !(Number.isInteger(value) && value >= least && value <= most),
  );
  if (wrong >= 0) {
    throw new RangeError(
      `A tensor of type ${dtype} holds whole numbers from ${least} to ${most}, got ${data[wrong]} at index ${wrong}.`,
    );
  }
  return Values.from(data);
}
