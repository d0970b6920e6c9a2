/**
 * The typed errors of dawngrad. Every message names its subject (file, tensor, flag), says what was expected and found,
 * and tells what to do. They are outside the folders because every folder, from `data/` to `gpu/`, may throw them.
 */

/** Base class of every error that this package throws on purpose. */
export class DawngradError extends Error {
  override name = 'DawngradError';
}

/** A flag or value on the command line is invalid: exit status 2. */
export class UsageError extends DawngradError {
  override name = 'UsageError';
}

/** A file is missing, unreadable or has invalid content. The message starts with its path. */
export class FileError extends DawngradError {
  override name = 'FileError';
}
