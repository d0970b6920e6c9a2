/** Explains, reads and checks the flags that several commands share. */
import { existsSync, statSync } from 'node:fs';
import { fsPath } from '../data/index.ts';
import { FileError, UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { parseSource } from '../weights/index.ts';
import { pathOfArgument } from './byte-names.ts';

export const ADAPTERS: readonly AdapterPreference[] = ['high-performance', 'low-power', 'software'];

const HELP_COLUMN = 24;

/** `  -h, --help     print this`: a flag with its explanation, on as many lines as needed. */
export function flagHelp(flag: string, lines: readonly string[], short?: string): string {
  const name = `  ${short ? `-${short}, ` : ''}--${flag}`.padEnd(HELP_COLUMN);
  return lines.map((line, i) => `${i === 0 ? name : ' '.repeat(HELP_COLUMN)}${line}`).join('\n');
}

/**
 * Parses a decimal number. Number('') would be 0 and Number('0x10') 16, but a user means neither.
 * @throws UsageError if the text is not a decimal number
 */
export function toNumber(flag: string, text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) return Number(text);
  throw new UsageError(`--${flag}: expected a number, found ${JSON.stringify(text)}`);
}

/** Returns the value if it is allowed. @throws UsageError if not */
export function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const known = allowed.find((one) => one === value);
  if (known) return known;
  throw new UsageError(`--${flag}: expected ${allowed.join(', ')}, found ${JSON.stringify(value)}`);
}

/**
 * Returns the path if it is an existing file or folder, as `kind` says.
 * @param shownAs source of the path for the message: `--data`, or the name of a variable
 * @throws UsageError if nothing is there, or not a `kind`
 */
export function checkExists(shownAs: string, given: string, kind: 'file' | 'folder'): string {
  // Checkpoints are opened by names in UTF-8 only.
  const path = kind === 'folder' ? pathOfArgument(given) : given;
  if (!existsSync(fsPath(path))) throw new UsageError(`${shownAs}: ${path}: no such ${kind}`);
  const isFolder = statSync(fsPath(path)).isDirectory();
  if (isFolder === (kind === 'folder')) return path;
  throw new UsageError(`${shownAs}: ${path}: expected a ${kind}, found a ${isFolder ? 'folder' : 'file'}`);
}

/**
 * Checks that weights exist: a checkpoint, one of its state dicts (`file.pth#name`), or the folder of a run.
 * @param shownAs their source for the message: `--weights`, or the name of a variable
 * @returns them as given
 * @throws UsageError if there is no such file, or the folder holds no weights
 */
export function checkWeights(shownAs: string, given: string): string {
  try {
    checkExists(shownAs, parseSource(given).path, 'file');
    return given;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new UsageError(`${shownAs}: ${error.message}`, { cause: error });
  }
}
