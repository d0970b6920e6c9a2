/** Finds files whose names are not UTF-8. Node decodes arguments: every such byte arrives as U+FFFD. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fsPath, nameFromBytes } from '../data/index.ts';

const LOST = '\ufffd';

/**
 * The path that an argument means: itself if it exists or has no lost byte, else the only one that Node would decode
 * like it.
 */
export function pathOfArgument(argument: string): string {
  if (!argument.includes(LOST) || existsSync(argument)) return argument;
  const above = dirname(argument);
  if (above === argument) return argument;
  const folder = pathOfArgument(above);
  const name = argument.slice(argument.lastIndexOf('/') + 1);
  if (!name.includes(LOST)) return join(folder, name);
  try {
    const matching = readdirSync(fsPath(folder), { encoding: 'buffer' }).filter((bytes) => bytes.toString() === name);
    return matching.length === 1 ? join(folder, nameFromBytes(matching[0]!)) : argument;
  } catch {
    return argument;
  }
}
