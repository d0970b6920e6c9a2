/** Explains errors of the network and of the disk in plain words. */
import { FileError } from '../errors.ts';

/** Meanings of the usual codes of a failed connection. */
const MEANINGS: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'its host name cannot be looked up at the moment',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  EHOSTUNREACH: 'there is no route to that host',
  ENETUNREACH: 'the network is unreachable',
  ENOTFOUND: 'its host name was not found',
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

/** fetch says "fetch failed" and puts the reason in `cause`. If a host has several addresses, each one failed. */
function innermost(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  return error.cause instanceof Error ? innermost(error.cause) : error;
}

/** A duration in words, such as "9 seconds". */
export function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} second${milliseconds === 1000 ? '' : 's'}`;
}

/** Turns an error of `node:fs` into a FileError about the cache folder; returns other errors unchanged. */
export function asCacheError(cache: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof FileError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const what = code === 'ENOSPC' ? 'the disk is full' : error.message;
  return new FileError(
    `${cache}: the cache folder cannot be used (${what}). Set DAWNGRAD_CACHE to a writable folder with free space.`,
    { cause: error },
  );
}
