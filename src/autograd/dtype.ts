/** Element types of tensors, and the host's arrays for them. */

/**
 * Element types, of four bytes, f16 of two. Only f32 tensors can require gradients; u32 and i32 hold class indices. f16 is
 * for inference: a few ops store in it what they compute in f32. It reaches to 65,504, with 11 bits of precision.
 */
export type DType = 'f32' | 'f16' | 'u32' | 'i32';

/** The types that networks compute with. */
export type Floating = 'f32' | 'f16';

/** The array that holds the values of a type on the host; f16 values come as f32. */
export interface ValuesOf {
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f16: Float32Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
}

/** Bytes of `size` elements in buffers and copies: a whole multiple of 4. */
export function bytesOf(size: number, dtype: DType): number {
  return dtype === 'f16' ? Math.ceil(size / 2) * 4 : size * 4;
}
