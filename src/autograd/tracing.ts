/**
 * Tells whoever wants to know which ops a function calls, with everything that decides their results: exporters write a
 * network down this way, whatever it is built of. Without a listener an op pays one comparison.
 */
import { callSync } from '../gpu/call-sync.ts';
import type { DType } from './dtype.ts';
import type { Tensor } from './tensor.ts';

/** One op that was called. */
export interface Operation {
  /** The op's name: 'conv2d'. */
  readonly name: string;
  /** Its operands by name: tensors, or the numbers in their places. */
  readonly inputs: Readonly<Record<string, Tensor<DType> | number>>;
  /** What else decides the result, with defaults filled in; undefined for an op that does not say it. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  readonly output: Tensor<DType>;
}

let listener: ((operation: Operation) => void) | undefined;

/** Whether someone listens. An op that computes several at once then computes one after the other. */
export const isTracing = (): boolean => listener !== undefined;

/** Tells the listener of an op. `record` does it for those that call it. */
export function tell(operation: Operation): void {
  listener?.(operation);
}

/**
 * Runs `fn`, and calls `listen` for each op in it, in order. The operands are alive then, and may be disposed later.
 * @throws TypeError if `fn` is asynchronous
 */
export function traceOps<T>(listen: (operation: Operation) => void, fn: () => T): T {
  const before = listener;
  listener = listen;
  try {
    return callSync('traceOps', fn);
  } finally {
    listener = before;
  }
}
