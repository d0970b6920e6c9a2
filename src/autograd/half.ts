/**
 * IEEE 754 binary16 on the host, which JavaScript lacks before ES2025: 1 bit for the sign, 5 for the exponent (bias
 * 15), 10 for the fraction. Exponent 0 is 0 or subnormal, 31 is infinity or NaN.
 */
import { DTypeError } from './errors.ts';

/** Converts f16 values to f32, which can represent all of them. */
export function fromHalf(halves: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/**
 * Rounds to the nearest f16 values, ties to even; infinity beyond 65,504. The result has an even number of elements,
 * because uploads take whole multiples of four bytes: the last element may be a 0 that pads it.
 */
export function toHalf(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(Math.ceil(values.length / 2) * 2);
  for (let i = 0; i < values.length; i++) halves[i] = halfBits(values[i]!);
  return halves;
}

/**
 * As many f16 values as there are f32 ones, for a file.
 * @param name of the tensor, for the message
 * @throws DTypeError if a value is beyond 65,504
 */
export function halvesOf(name: string, values: Float32Array): Uint16Array<ArrayBuffer> {
  const beyond = values.find((value) => Number.isFinite(value) && Math.abs(value) >= BEYOND_HALF);
  if (beyond === undefined) return toHalf(values).subarray(0, values.length);
  throw new DTypeError(`${name} holds ${beyond}, beyond the 65504 of half precision. Keep it in single precision.`);
}

/** From here on a value is nearer to 2^16, which f16 lacks, than to 65,504. */
const BEYOND_HALF = 65520;

function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= BEYOND_HALF) return sign | 0x7c00;
  // Among values this large, f16 has every multiple of the unit. Rounding up to the next power of two carries into the
  // exponent.
  const exponent = Math.max(-14, Math.floor(Math.log2(size || Number.MIN_VALUE)));
  const units = roundToEven(size * 2 ** (10 - exponent));
  return sign | (((exponent + 14) << 10) + units);
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest > 0.5 ? below + 1 : below;
  return below % 2 === 0 ? below : below + 1;
}
