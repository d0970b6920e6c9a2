/** Element types of ONNX: their numbers in files, and how their values lie there. */

import type { OnnxType, TensorValues } from './types.ts';

/** The fields of a TensorProto that hold values where it has no raw data. */
export type DataField = 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';

interface ElementType<T extends OnnxType> {
  /** TensorProto.DataType. */
  readonly number: number;
  /** Bytes of a value in `rawData`, which is little-endian. */
  readonly bytes: number;
  readonly field: DataField;
  /** Of as many zeros, or of the values that these bytes hold: Node's hosts are little-endian. */
  readonly make: (count: number, bytes?: ArrayBuffer) => TensorValues[T];
}

type ArrayType<A> = new (lengthOrBuffer: number | ArrayBuffer) => A;

function elements<T extends OnnxType>(
  number: number,
  bytes: number,
  field: DataField,
  array: ArrayType<TensorValues[T]>,
): ElementType<T> {
  return { number, bytes, field, make: (count, buffer) => new array(buffer ?? count) };
}

export const ELEMENT_TYPES: { readonly [T in OnnxType]: ElementType<T> } = {
  f32: elements<'f32'>(1, 4, 'floatData', Float32Array),
  u8: elements<'u8'>(2, 1, 'int32Data', Uint8Array),
  i8: elements<'i8'>(3, 1, 'int32Data', Int8Array),
  u16: elements<'u16'>(4, 2, 'int32Data', Uint16Array),
  i16: elements<'i16'>(5, 2, 'int32Data', Int16Array),
  i32: elements<'i32'>(6, 4, 'int32Data', Int32Array),
  i64: elements<'i64'>(7, 8, 'int64Data', BigInt64Array),
  bool: elements<'bool'>(9, 1, 'int32Data', Uint8Array),
  f16: elements<'f16'>(10, 2, 'int32Data', Uint16Array),
  f64: elements<'f64'>(11, 8, 'doubleData', Float64Array),
  u32: elements<'u32'>(12, 4, 'uint64Data', Uint32Array),
  u64: elements<'u64'>(13, 8, 'uint64Data', BigUint64Array),
};

const BY_NUMBER = new Map(
  (Object.keys(ELEMENT_TYPES) as OnnxType[]).map((type) => [ELEMENT_TYPES[type].number, type] as const),
);

/** The element type of this number in files; undefined for strings, complex numbers and floats below 16 bits. */
export function typeOfNumber(number: number): OnnxType | undefined {
  return BY_NUMBER.get(number);
}
