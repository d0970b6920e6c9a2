/**
 * IEEE 754 binary16 on the host, which JavaScript lacks before ES2025: 1 bit for the sign, 5 for the exponent (bias
 * 15), 10 for the fraction. Exponent 0 is 0 or subnormal, 31 is infinity or NaN.
 */

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

function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  // From here on the value is nearer to 2^16, which f16 lacks, than to 65,504.
  if (size >= 65520) return sign | 0x7c00;
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
