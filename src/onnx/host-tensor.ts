/** Values on the host while a graph runs: shapes, axes, constants. */
import type { OnnxTensor, OnnxType } from './types.ts';

/** A tensor in the host's memory. 64-bit integers beyond 2^53 are rounded. */
export interface HostTensor {
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly values: Float64Array<ArrayBuffer>;
}

/** The values of a tensor of a file as numbers. */
export function toHost({ type, shape, data }: OnnxTensor): HostTensor {
  const numbers: ArrayLike<number | bigint> = type === 'f16' ? Array.from(data, halfOf) : data;
  return { type, shape, values: Float64Array.from(numbers, Number) };
}

/** The value of IEEE 754 binary16's bits: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
export function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
