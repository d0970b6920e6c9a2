/** The parts that the commands of bench/ share: reading flags, exit statuses and JSON files. */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { ADAPTERS, oneOf } from '../src/cli/flags.ts';
import { parseArgs } from '../src/cli/parse-args.ts';
import type { Io } from '../src/cli/program.ts';
import { DawngradError, UsageError } from '../src/errors.ts';
import type { OpenOptions } from '../src/gpu/dawn.ts';
import { writeFileAtomic } from '../src/weights/index.ts';
import { MissingPeerError } from './peer.ts';

/** Reads the flags as text. @throws UsageError for an unknown flag or a missing value */
export function readFlags<T extends NonNullable<ParseArgsConfig['options']>>(argv: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Reads a whole number of at least 1. @throws UsageError naming the flag */
export function countOf(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,5}$/.test(text.trim())) return Number(text);
  throw new UsageError(`--${flag}: expected a whole number of at least 1, found ${JSON.stringify(text)}`);
}

/** Options for `openGpu`. @throws UsageError if there is no such adapter preference */
export function adapterOf(text: string | undefined): Pick<OpenOptions, 'adapter'> {
  return text === undefined ? {} : { adapter: oneOf('adapter', text, ADAPTERS) };
}

/** Checks the path of a file to write, before minutes are spent on its content. @throws UsageError */
export function outputOf(flag: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (path === '') throw new UsageError(`--${flag}: expected a file, found an empty text`);
  const folder = dirname(path);
  if (!existsSync(folder)) throw new UsageError(`--${flag}: ${path}: there is no folder ${folder}; create it first`);
  if (existsSync(path) && statSync(path).isDirectory()) {
    throw new UsageError(`--${flag}: ${path}: expected a file, found a folder`);
  }
  return path;
}

export function writeJson(path: string | undefined, value: unknown): void {
  if (path !== undefined) writeFileAtomic(path, [Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)]);
}

/** Runs a command. @returns exit status: 0 done, 1 failed, 2 wrong usage or no peer */
export async function exitStatus(command: string, io: Io, run: () => Promise<unknown>): Promise<number> {
  try {
    await run();
    return 0;
  } catch (error) {
    if (!(error instanceof DawngradError)) throw error;
    io.stderr.write(`${command}: ${error.message}\n`);
    if (!(error instanceof UsageError)) return error instanceof MissingPeerError ? 2 : 1;
    io.stderr.write(`Try "npm run ${command} -- --help".\n`);
    return 2;
  }
}
