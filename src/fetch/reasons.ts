/** Errors of the network and of the disk, as a person understands them. */
import { FileError } from '../errors.ts';

/** What the usual codes of a failed connection mean. */
const MEANINGS: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'its host name cannot be looked up now',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no network',
  ENOTFOUND: 'its host name is not known here',
  ETIMEDOUT: 'the connection took too long',
  UND_ERR_CONNECT_TIMEOUT: 'the connection took too long',
  UND_ERR_SOCKET: 'the connection was closed',
};

/** Part of a sentence, such as "the connection was refused (ECONNREFUSED)". */
export function networkReason(error: unknown, { hostname }: URL): string {
  const found = innermost(error);
  const { code, message } = found as NodeJS.ErrnoException;
  const meaning = code === undefined ? undefined : MEANINGS[code];
  if (!meaning) return message || code || String(found);
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? `${meaning} (${hostname}, ${code})` : `${meaning} (${code})`;
}

/** fetch says "fetch failed" and puts the reason in `cause`; of a host's several addresses each has failed. */
function innermost(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  return error.cause instanceof Error ? innermost(error.cause) : error;
}

/** "9 seconds" */
export function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} second${milliseconds === 1000 ? '' : 's'}`;
}

/** An error of `node:fs` while working in the cache folder as a FileError about that folder; others as they are. */
export function asCacheError(cache: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof FileError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const what = code === 'ENOSPC' ? 'the disk is full' : error.message;
  return new FileError(
    `${cache}: the cache folder cannot be used (${what}). Set DAWNGRAD_CACHE to a folder that can be written and has room`,
    { cause: error },
  );
}
