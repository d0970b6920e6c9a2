/** Pictures that come into a folder, for `npm run predict -- --watch`. */
import { relative, resolve, sep } from 'node:path';
import { IMAGE_EXTENSIONS } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { loadOptional } from '../optional.ts';
import type { Input } from './predict-inputs.ts';

/** A file that has not grown for so long is complete, milliseconds. If it grows on after all, it comes once more. */
const COMPLETE_AFTER = 800;
const LOOK_EVERY = 100;

export interface Watched {
  /** The pictures that have come since the last turn, until the signal. */
  arrivals(signal: AbortSignal): AsyncGenerator<Input[], void, undefined>;
  close(): Promise<void>;
}

/**
 * Watches a folder and its subfolders for pictures that are new or written anew. Those that are there are not new.
 * Hidden files and folders are left out: programs write a picture under such a name before they rename it.
 * @param except a folder in it to leave out, because it gets this command's own pictures
 * @throws FileError if it cannot be watched; MissingPackageError if chokidar is not installed
 */
export async function watchFolder(folder: string, except?: string): Promise<Watched> {
  const { watch } = await loadOptional('chokidar', '--watch', () => import('chokidar'));
  const arrived = new Map<string, Input>();
  let wake: () => void = () => {};
  const excluded = except === undefined ? undefined : resolve(except);
  const watcher = watch(folder, {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: COMPLETE_AFTER, pollInterval: LOOK_EVERY },
    ignored: (path) =>
      isLeftOut(relative(folder, path)) || (excluded !== undefined && isWithin(excluded, resolve(path))),
  });
  const add = (path: string) => {
    if (!IMAGE_EXTENSIONS.some((extension) => path.toLowerCase().endsWith(extension))) return;
    arrived.set(path, { path, place: relative(folder, path) });
    wake();
  };
  watcher.on('add', add).on('change', add);
  // A picture that is gone before its turn is no failure.
  watcher.on('unlink', (path) => arrived.delete(path));
  let failure: Error | undefined;
  const fail = (cause: unknown) => {
    failure ??= new FileError(`${folder}: cannot be watched (${(cause as Error).message}).`, { cause });
    wake();
  };
  await new Promise<void>((ready, reject) => {
    watcher.once('ready', ready);
    watcher.once('error', reject);
  }).catch(async (error: unknown) => {
    await watcher.close();
    fail(error);
  });
  watcher.on('error', fail);
  return {
    close: () => watcher.close(),
    async *arrivals(signal) {
      signal.addEventListener('abort', () => wake(), { once: true });
      while (!signal.aborted) {
        if (failure) throw failure;
        const inputs = [...arrived.values()];
        arrived.clear();
        if (inputs.length > 0) yield inputs;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}

/** @param place relative to the watched folder */
function isLeftOut(place: string): boolean {
  return place.split(sep).some((part) => part.startsWith('.'));
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}
