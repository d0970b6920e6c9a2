/**
 * Which memory the backward of an op may read: tensors that the op saved, and tensors made during that backward.
 * Anything else may have changed since the forward pass, or be freed.
 */
import { formatShape, GraphError } from './errors.ts';
import { Storage } from './storage.ts';

interface Running {
  readonly op: string;
  readonly saved: ReadonlySet<Storage>;
  /** Storages with this serial or a later one were made during the backward. */
  readonly since: number;
}

let running: Running | undefined;

/** Runs an op's backward. Inside it, only tensors over these storages or new ones can be read. */
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
 * True if the running backward belongs to an op that saved this storage. Then it can be read although its tensor is
 * disposed.
 * @throws GraphError in the backward of an op that did not save it
 */
export function mayRead(storage: Storage, shape: readonly number[]): boolean {
  if (!running) return false;
  if (running.saved.has(storage)) return true;
  if (storage.serial >= running.since) return false;
  throw new GraphError(
    `${running.op}: backward reads a tensor of shape ${formatShape(shape)} that the op did not save, so it may have ` +
      'changed since. List it in `saved`.',
  );
}
