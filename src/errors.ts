/**
 * The typed errors of dawngrad. Every message names the thing at fault (file, tensor, flag), says what was expected and
 * found, and what to do. They stand beside the folders because all of them, from `data/` to `gpu/`, may throw one.
 */

/** Base class of every error this package throws on purpose. */
export class DawngradError extends Error {
  override name = 'DawngradError';
}

/** A flag or value on the command line is wrong: exit status 2. */
export class UsageError extends DawngradError {
  override name = 'UsageError';
}

/** A file is missing, unreadable or not what it claims to be. The message starts with its path. */
export class FileError extends DawngradError {
  override name = 'FileError';
}
