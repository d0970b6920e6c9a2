/** Element types of tensors, and the host arrays for them. */

/**
 * Element types: f16 has two bytes, the others four. Only f32 tensors can require gradients. u32 and i32 hold class
 * indices. f16 is for inference: a few ops compute in f32 and store in f16. It reaches 65,504, with 11 bits of
 * precision.
 */
export type DType = 'f32' | 'f16' | 'u32' | 'i32';

export const DTYPES: readonly DType[] = ['f32', 'f16', 'u32', 'i32'];

/** The types that networks compute with. */
export type Floating = 'f32' | 'f16';

/** The host array for the values of a type. f16 values come as f32. */
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
