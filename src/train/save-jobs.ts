/** What the thread that saves is told, and what it does. */
import { createHash } from 'node:crypto';
import { type Checkpoint, encodeSafetensors, writeFileAtomic } from '../weights/index.ts';

/** Metadata key of last.safetensors that refers to best.safetensors. */
export const BEST_KEY = 'best';

/** The best weights so far: when they were, how good they were, and the hash of the file that holds them. */
export interface BestReference {
  /** From 0; null for the weights before training. */
  readonly epoch: number | null;
  readonly acc: number;
  readonly sha256: string;
}

export interface SaveJob {
  readonly last: { readonly path: string; readonly checkpoint: Checkpoint };
  readonly best: Omit<BestReference, 'sha256'>;
  /** The hash of best.safetensors, or the weights to write there, and whether they are those of last.safetensors. */
  readonly bestFile:
    | { readonly sha256: string }
    | { readonly path: string; readonly checkpoint: Checkpoint; readonly inLast: boolean };
}

/**
 * Writes last.safetensors, then best.safetensors if it is new. A crash between the two is mended on resuming, because
 * the weights in last.safetensors are then the best. Where they are not, as before the first val phase, the best come
 * first: of a best.safetensors without last.safetensors nothing is lost.
 * @returns the hash of best.safetensors
 * @throws FileError if a file cannot be written
 */
export function save({ last, best, bestFile }: SaveJob): string {
  const isNew = 'checkpoint' in bestFile;
  const sha256 = isNew ? hashOf(encodeSafetensors(bestFile.path, bestFile.checkpoint)) : bestFile.sha256;
  const reference: BestReference = { ...best, sha256 };
  const { tensors, metadata } = last.checkpoint;
  const whole = { tensors, metadata: { ...metadata, [BEST_KEY]: JSON.stringify(reference) } };
  const writeBest = () => {
    if (isNew) writeFileAtomic(bestFile.path, encodeSafetensors(bestFile.path, bestFile.checkpoint));
  };
  const bestFirst = isNew && !bestFile.inLast;
  if (bestFirst) writeBest();
  writeFileAtomic(last.path, encodeSafetensors(last.path, whole));
  if (!bestFirst) writeBest();
  return sha256;
}

/** SHA-256 in hexadecimal. */
export function hashOf(chunks: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
