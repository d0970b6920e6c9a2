/** What tensors hold. */

/**
 * Element types, of four bytes, f16 of two. Only f32 tensors can require gradients; u32 holds class indices. f16 is for
 * inference: a few ops store in it what they compute in f32. It reaches to 65,504, with 11 bits for the digits.
 */
export type DType = 'f32' | 'u32' | 'f16';

/** Bytes of `size` elements, as buffers and copies of them have it: a whole multiple of 4. */
export function bytesOf(size: number, dtype: DType): number {
  return dtype === 'f16' ? Math.ceil(size / 2) * 4 : size * 4;
}
