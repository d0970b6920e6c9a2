/**
 * Which memory the backward of an op may read: what the op saved, and what is made meanwhile. Anything else may have changed
 * since the forward pass, or be gone.
 */
import { formatShape, GraphError } from './errors.ts';
import { Storage } from './storage.ts';

interface Running {
  readonly op: string;
  readonly saved: ReadonlySet<Storage>;
  /** Storages from this serial on were made since. */
  readonly since: number;
}

let running: Running | undefined;

/** Runs an op's backward, in which tensors give only these storages, and new ones. */
export function readingOnly<T>(op: string, saved: ReadonlySet<Storage>, fn: () => T): T {
  const outer = running;
  running = { op, saved, since: Storage.made };
  try {
    return fn();
  } finally {
    running = outer;
  }
}

/**
 * True where an op's backward runs that saved this storage, so that it can be read although its tensor is disposed.
 * @throws GraphError in the backward of an op that did not save it
 */
export function mayRead(storage: Storage, shape: readonly number[]): boolean {
  if (!running) return false;
  if (running.saved.has(storage)) return true;
  if (storage.serial >= running.since) return false;
  throw new GraphError(
    `${running.op}: backward reads a tensor of shape ${formatShape(shape)} that the op did not save, so it may have ` +
      'changed since. Name it in `saved`.',
  );
}
