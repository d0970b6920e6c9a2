/** `file.pth#state_dict_ema`: a checkpoint's path, and the part of it to take. */

import { existsSync } from 'node:fs';

export interface CheckpointSource {
  readonly path: string;
  /** Key of a state dict, or the beginning of names; undefined if the user chose nothing. */
  readonly choice: string | undefined;
}

/** Splits at the last `#`, unless a file of the whole name exists. */
export function parseSource(source: string): CheckpointSource {
  const at = source.lastIndexOf('#');
  if (at <= 0 || at === source.length - 1 || existsSync(source)) return { path: source, choice: undefined };
  return { path: source.slice(0, at), choice: source.slice(at + 1) };
}
