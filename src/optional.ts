/**
 * Optional dependencies: packages that npm installs where it can. Training on its own needs none of them. Code that
 * needs one loads it on first use.
 */
import { DawngradError } from './errors.ts';

/** An optional dependency is missing, or does not load on this machine. */
export class MissingPackageError extends DawngradError {
  override name = 'MissingPackageError';
}

/**
 * Loads an optional dependency.
 * @param purpose the subject of the message, such as `Decoding pictures`
 * @throws MissingPackageError with the command that installs it
 */
export async function loadOptional<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    const reason = missing ? 'is not installed' : `does not load (${message.trim().split('\n')[0]})`;
    throw new MissingPackageError(
      `${purpose} needs the package ${name}, which ${reason}. Run \`npm install --include=optional ${name}\`.`,
      { cause },
    );
  }
}
