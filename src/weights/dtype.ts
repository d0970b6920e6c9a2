/** Converts stored little-endian values of any dtype to float32. Pure functions; Node's hosts are little-endian. */

import type { StoredDtype } from './types.ts';

/** Bytes per stored element. */
export const BYTES_PER_ELEMENT: Readonly<Record<StoredDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

export function isStoredDtype(name: unknown): name is StoredDtype {
  return typeof name === 'string' && Object.hasOwn(BYTES_PER_ELEMENT, name);
}

/**
 * Decodes a whole storage.
 * @param bytes its length is a multiple of the element size
 * @returns one float32 per element. For F32 it is a view on `bytes`, not a copy, if they are aligned. Wider types are
 *   rounded to the nearest float32, as torch's `.float()` does.
 */
export function toFloat32(bytes: Uint8Array, dtype: StoredDtype): Float32Array {
  const own = alignedTo(bytes, BYTES_PER_ELEMENT[dtype]);
  const { buffer, byteOffset, byteLength } = own;
  const count = byteLength / BYTES_PER_ELEMENT[dtype];
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, count);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, count));
    case 'F16':
      return fromHalf(new Uint16Array(buffer, byteOffset, count));
    case 'BF16':
      return fromBfloat16(new Uint16Array(buffer, byteOffset, count));
    case 'F8_E4M3':
      return fromTable(own, E4M3);
    case 'F8_E5M2':
      // The upper half of a binary16.
      return fromHalf(Uint16Array.from(own, (byte) => byte << 8));
    case 'I64':
      return fromBigInts(new BigInt64Array(buffer, byteOffset, count));
    case 'U64':
      return fromBigInts(new BigUint64Array(buffer, byteOffset, count));
    case 'I32':
      return Float32Array.from(new Int32Array(buffer, byteOffset, count));
    case 'U32':
      return Float32Array.from(new Uint32Array(buffer, byteOffset, count));
    case 'I16':
      return Float32Array.from(new Int16Array(buffer, byteOffset, count));
    case 'U16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, count));
    case 'I8':
      return Float32Array.from(new Int8Array(buffer, byteOffset, count));
    case 'U8':
      return Float32Array.from(own);
    case 'BOOL':
      return Float32Array.from(own, (byte) => (byte === 0 ? 0 : 1));
  }
}

/** Typed arrays must start at a multiple of their element size; bytes from a larger buffer may not. */
function alignedTo(bytes: Uint8Array, elementSize: number): Uint8Array {
  return bytes.byteOffset % elementSize === 0 ? bytes : Uint8Array.from(bytes);
}

function fromBigInts(values: BigInt64Array | BigUint64Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = Number(values[i]);
  return out;
}

/** bfloat16 is the upper half of a float32. */
function fromBfloat16(values: Uint16Array): Float32Array {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16;
  return new Float32Array(bits.buffer);
}

function fromTable(values: Uint8Array, table: Float32Array): Float32Array {
  return Float32Array.from(values, (byte) => table[byte]!);
}

/**
 * The 256 values of float8 E4M3 (OCP, as in torch's float8_e4m3fn): 1 sign, 4 exponent (bias 7), 3 fraction bits;
 * exponent 0 is subnormal; there is no infinity, and only all ones in exponent and fraction are NaN.
 */
const E4M3 = Float32Array.from({ length: 256 }, (_, byte) => {
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte >> 3) & 15;
  const fraction = byte & 7;
  if (exponent === 0) return sign * fraction * 2 ** -9;
  return exponent === 15 && fraction === 7 ? Number.NaN : sign * (8 + fraction) * 2 ** (exponent - 10);
});

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits; exponent 0 is subnormal, 31 infinity or NaN. */
function fromHalf(values: Uint16Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const half = values[i]!;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 0) out[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) out[i] = fraction === 0 ? sign * Infinity : NaN;
    else out[i] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return out;
}
