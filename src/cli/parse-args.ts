/** Node's `parseArgs` for every command. It also refuses to go on without flags that npm has kept for itself. */
import { parseArgs as nodeParseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from '../errors.ts';
import { npmStart } from './npm.ts';
import { keptMessage } from './npm-flags.ts';

/**
 * As `parseArgs` of `node:util`.
 * @throws UsageError if npm has kept a flag of this table; Error, as Node does, if the arguments are wrong
 */
export function parseArgs<T extends ParseArgsConfig>(config: T): ReturnType<typeof nodeParseArgs<T>> {
  const start = npmStart(process.env, process.argv);
  const message = start && keptMessage(config.options ?? {}, process.env, start);
  if (message !== undefined) throw new UsageError(message);
  return nodeParseArgs(config);
}
