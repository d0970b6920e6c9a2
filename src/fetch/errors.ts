/** Typed errors of downloads. Both messages start with the address, as those of files start with the path. */
import { FileError } from '../errors.ts';
import { ADDRESS_VARIABLES, type FetchKind, type Source } from './source.ts';

/** Nothing useful came from there: no connection, no answer in time, or an answer with an error status. */
export class UnreachableError extends FileError {
  override name = 'UnreachableError';
  readonly kind: FetchKind;
  readonly address: string;
  /** Why, as part of a sentence, such as "the connection was refused (ECONNREFUSED)". */
  readonly reason: string;

  constructor({ address, kind, path }: Source, reason: string, options?: ErrorOptions) {
    const unpacked = kind === 'data' ? ', unpacked' : '';
    super(
      `${address}: cannot be reached: ${reason}. Download it elsewhere and put it at ${path}${unpacked}, or set ` +
        `${ADDRESS_VARIABLES[kind]} to an address that can be reached.`,
      options,
    );
    this.kind = kind;
    this.address = address.href;
    this.reason = reason;
  }
}

/** It was reached, but what came is cut off, damaged, not what its name promises, or not safe to unpack. */
export class DownloadError extends FileError {
  override name = 'DownloadError';
  readonly kind: FetchKind;
  readonly address: string;

  /** @param problem a sentence without its stop */
  constructor({ address, kind }: Source, problem: string, options?: ErrorOptions) {
    super(
      `${address}: ${problem}. Nothing of it was kept. Try again, or set ${ADDRESS_VARIABLES[kind]} to an address that has ` +
        'it whole.',
      options,
    );
    this.kind = kind;
    this.address = address.href;
  }
}

/** A zip archive is damaged or not safe. Its message is a part of a sentence about the archive. */
export class ZipError extends Error {
  override name = 'ZipError';
}
