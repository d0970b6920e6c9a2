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
 * One tensor, always dense, row-major and float32 in memory, whatever its dtype in the file. Integers (such as a batch
 * norm's `num_batches_tracked`) and booleans also become float32, exact up to 2^24; `dtype` keeps the original.
 *
 * Tensors that share storage in a .pth (tied weights) may share memory here too: copy before changing one in place.
 */
export interface TensorData {
  /** Sizes, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  /** Row-major values, as many as the product of `shape`. */
  readonly data: Float32Array;
  /** The dtype in the file. The readers always set it; absent means 'F32'. */
  readonly dtype?: StoredDtype;
}

/** A state dict. `tensors` keeps the order of the file. */
export type Checkpoint = {
  tensors: Map<string, TensorData>;
  /** safetensors: its `__metadata__`. .pth: strings, numbers and booleans stored beside the tensors (`epoch`). */
  metadata: Record<string, string>;
};

/** @returns the number of elements of a tensor of this shape: 1 for a scalar. */
export function countNumbers(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
