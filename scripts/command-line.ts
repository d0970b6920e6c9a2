/** Reads the command line of a script for contributors. What is wrong with it is one line on stderr, and exit status 2. */
import type { ParseArgsConfig } from 'node:util';
import { parseArgs } from '../src/cli/parse-args.ts';

export function readCommandLine<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}
