/** What the flags of `npm run bench` and `npm run bench:compare` have in common. */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from '../src/errors.ts';
import type { AdapterPreference } from '../src/gpu/dawn.ts';

export const ADAPTERS: readonly AdapterPreference[] = ['high-performance', 'low-power', 'software'];

/** What a command needs of its process. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly env: NodeJS.ProcessEnv;
}

/** The flags as text. @throws UsageError for one that is unknown, or whose value is missing */
export function readFlags<T extends NonNullable<ParseArgsConfig['options']>>(argv: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A whole number of at least 1. @throws UsageError naming the flag */
export function countOf(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,5}$/.test(text.trim())) return Number(text);
  throw new UsageError(`--${flag}: expected a whole number of at least 1, found ${JSON.stringify(text)}`);
}

/** @throws UsageError naming the flag and what may stand there */
export function oneOf<T extends string>(flag: string, text: string, allowed: readonly T[]): T {
  const known = allowed.find((one) => one === text);
  if (known !== undefined) return known;
  throw new UsageError(`--${flag}: expected ${allowed.join(', ')}, found ${JSON.stringify(text)}`);
}

export function adapterOf(text: string | undefined): AdapterPreference | undefined {
  return text === undefined ? undefined : oneOf('adapter', text, ADAPTERS);
}

/** The file to write to. Looked at before minutes are spent on what goes into it. @throws UsageError */
export function outputOf(flag: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (path === '') throw new UsageError(`--${flag}: expected a file, found an empty text`);
  const folder = dirname(path);
  if (!existsSync(folder)) throw new UsageError(`--${flag}: ${path}: there is no folder ${folder}; make it first`);
  if (existsSync(path) && statSync(path).isDirectory()) {
    throw new UsageError(`--${flag}: ${path}: expected a file, found a folder`);
  }
  return path;
}

/** A file to read. @throws UsageError naming where the path came from */
export function inputOf(name: string, path: string): string {
  if (!existsSync(path)) throw new UsageError(`${name}: ${path}: no such file`);
  if (statSync(path).isDirectory()) throw new UsageError(`${name}: ${path}: expected a file, found a folder`);
  return path;
}

/** Two columns for --help. */
export function flagHelp(flag: string, lines: readonly string[]): string {
  const column = 22;
  const name = `  --${flag}`.padEnd(column);
  return lines.map((line, i) => `${i === 0 ? name : ' '.repeat(column)}${line}`).join('\n');
}
