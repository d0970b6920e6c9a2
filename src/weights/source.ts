/** `file.pth#state_dict_ema`: a checkpoint's path, and the part of it to take. A run's folder stands for its best weights. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';

/** File name of a run's best weights. */
export const BEST_WEIGHTS = 'best.safetensors';

export interface CheckpointSource {
  readonly path: string;
  /** Key of a state dict, or the beginning of names; undefined if the user chose nothing. */
  readonly choice: string | undefined;
}

/**
 * Splits at the last `#`, unless a file of the whole name exists. The folder of a run stands for its best weights.
 * @throws FileError if it is a folder without them
 */
export function parseSource(source: string): CheckpointSource {
  const at = source.lastIndexOf('#');
  if (at <= 0 || at === source.length - 1 || existsSync(source)) return { path: fileAt(source), choice: undefined };
  return { path: fileAt(source.slice(0, at)), choice: source.slice(at + 1) };
}

function fileAt(path: string): string {
  if (!isFolder(path)) return path;
  const best = join(path, BEST_WEIGHTS);
  if (existsSync(best)) return best;
  // `train --mode both` makes a folder of two runs.
  const runs = foldersIn(path).filter((name) => existsSync(join(path, name, BEST_WEIGHTS)));
  const advice =
    runs.length > 0
      ? `Give one of the runs in it: ${runs
          .slice(0, RUNS_SHOWN)
          .map((name) => join(path, name))
          .join(', ')}`
      : 'Give the folder of a run that has saved its weights, or a .pth or .safetensors file';
  throw new FileError(`${path}: expected a run's folder with ${BEST_WEIGHTS}, found a folder without it. ${advice}.`);
}

const RUNS_SHOWN = 5;

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => isFolder(join(path, name)));
  } catch {
    return [];
  }
}
