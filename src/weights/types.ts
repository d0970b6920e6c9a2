/**
 * What every reader of this folder returns and the writer takes: plain arrays under torch's names. Nothing here knows of
 * the engine.
 */

/** How a number is stored in a checkpoint, in the words of the safetensors format. */
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
 * One tensor, always dense, row-major and float32 in memory, whatever it was in the file. Integers (a batch norm's
 * `num_batches_tracked`, say) and booleans become float32 numbers too, exact up to 2^24; `dtype` keeps what they were.
 *
 * Tensors that share storage in a .pth (tied weights) may share memory here as well: copy before changing one in place.
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
  /** safetensors: its `__metadata__`. .pth: strings, numbers and booleans that stand beside the tensors (`epoch`). */
  metadata: Record<string, string>;
};

/** @returns how many numbers a tensor of this shape has: 1 for a scalar. */
export function countNumbers(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
