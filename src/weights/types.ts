/**
 * The types that the readers of this folder return and the writer takes: plain arrays under torch's names. They do not
 * depend on the engine.
 */

/** The dtype of a tensor in a checkpoint, as the safetensors format names it. */
export type StoredDtype =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'I64'
  | 'U64'
  | 'I32'
  | 'U32'
  | 'I16'
  | 'U16'
  | 'I8'
  | 'U8'
  | 'BOOL';

/**
 * One tensor, dense and row-major. Its values are float32 here, whatever the file has; `bytes` has the file's own.
 *
 * Tensors that share storage in a .pth (tied weights, views) share memory here too: copy before changing one in place.
 */
export interface TensorData {
  /** Sizes, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /**
   * Row-major values, as many as the product of `shape`. Of another dtype they are a copy, made when first asked for:
   * wider types are rounded to the nearest float32, so integers are exact up to 2^24. Of F32 they are `bytes` themselves.
   */
  readonly data: Float32Array;
  /** The dtype in the file. The readers always set it; absent means 'F32'. */
  readonly dtype?: StoredDtype;
  /**
   * The values exactly as stored, little-endian and row-major. The readers always set it, and `writeSafetensors` writes
   * it, unless `data` was changed. A copy by `{ ...tensor }` has no bytes.
   */
  readonly bytes?: Uint8Array;
}

/** A state dict. `tensors` keeps the order of the file. */
export type Checkpoint = {
  tensors: Map<string, TensorData>;
  /**
   * safetensors: its `__metadata__`. .pth: strings, numbers and booleans stored beside the tensors (`epoch`), and class
   * names as a JSON array under `classes`.
   */
  metadata: Record<string, string>;
  /** Choices of the reader, for people: which of several state dicts it took, and the prefix it removed from names. */
  notes?: readonly string[];
};

/** @returns the number of elements of a tensor of this shape: 1 for a scalar. */
export function countNumbers(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
