/** Typed errors of downloads. Both messages start with the address, as errors about files start with the path. */
import { FileError } from '../errors.ts';
import { ADDRESS_VARIABLES, type FetchKind, type Source } from './source.ts';

/** The address gave no usable answer: no connection, no answer in time, or an error status. */
export class UnreachableError extends FileError {
  override name = 'UnreachableError';
  readonly kind: FetchKind;
  readonly address: string;
  /** The reason as part of a sentence, such as "the connection was refused (ECONNREFUSED)". */
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

/** The address answered, but the content is cut off, damaged, unsafe to unpack, or does not match its name. */
export class DownloadError extends FileError {
  override name = 'DownloadError';
  readonly kind: FetchKind;
  readonly address: string;

  /** @param problem a sentence without its full stop */
  constructor({ address, kind }: Source, problem: string, options?: ErrorOptions) {
    super(
      `${address}: ${problem}. Nothing was kept. Try again, or set ${ADDRESS_VARIABLES[kind]} to an address that ` +
        'serves the complete file.',
      options,
    );
    this.kind = kind;
    this.address = address.href;
  }
}

/** A zip archive is damaged or not safe. Its message is part of a sentence about the archive. */
export class ZipError extends Error {
  override name = 'ZipError';
}
