/** Pictures that come into a folder, for `npm run predict -- --watch`. */
import { type BigIntStats, realpathSync, type Stats, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { IMAGE_EXTENSIONS, printableName } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { loadOptional } from '../optional.ts';
import type { Input } from './predict-inputs.ts';

/** A file that has not grown for so long is complete, milliseconds. If it grows on after all, it comes once more. */
const COMPLETE_AFTER = 800;
const LOOK_EVERY = 100;
/** Milliseconds between two looks whether the folder is still there. The system does not always tell of its end. */
const CHECK_EVERY = 500;
/** What the system answers when it watches no more files for anyone. */
const TOO_MANY: readonly unknown[] = ['ENOSPC', 'EMFILE', 'ENFILE'];

export interface Watched {
  /** The pictures that have come since the last turn, until the signal. */
  arrivals(signal: AbortSignal): AsyncGenerator<Input[], void, undefined>;
  close(): Promise<void>;
}

export interface WatchOptions {
  /** A folder in it to leave out, because it gets this command's own pictures. */
  readonly except?: string | undefined;
  /** Called with sentences about what is not watched. */
  readonly onNote?: ((text: string) => void) | undefined;
}

/**
 * Watches a folder and its subfolders for pictures that are new or written anew. Those that are there are not new.
 * Hidden files and folders are left out: programs write a picture under such a name before they rename it. So are
 * links, which may lead anywhere, also in a circle; the folder itself may be one. `arrivals` fails when the folder is
 * gone, or another has taken its place.
 * @throws FileError if it cannot be watched; MissingPackageError if chokidar is not installed
 */
export async function watchFolder(folder: string, { except, onNote }: WatchOptions = {}): Promise<Watched> {
  const { watch } = await loadOptional('chokidar', '--watch', () => import('chokidar'));
  const arrived = new Map<string, Input>();
  let wake: () => void = () => {};
  // The folder itself may be a link.
  const real = realOf(folder);
  const shown = (path: string) => join(folder, relative(real, path));
  const excluded = except === undefined ? undefined : resolve(except);
  const told = new Set<string>();
  const tellOnce = (path: string, text: string) => {
    if (!told.has(path)) onNote?.(text);
    told.add(path);
  };
  const isLink = (path: string, stats: Stats | undefined) => {
    if (!stats?.isSymbolicLink()) return false;
    tellOnce(path, `${printableName(shown(path))}: this is a link, which --watch does not follow.`);
    return true;
  };
  const began = identityOf(folder);
  const watcher = watch(real, {
    ignoreInitial: true,
    followSymlinks: false,
    awaitWriteFinish: { stabilityThreshold: COMPLETE_AFTER, pollInterval: LOOK_EVERY },
    ignored: (path, stats) =>
      isLeftOut(relative(real, path)) ||
      (excluded !== undefined && isWithin(excluded, resolve(shown(path)))) ||
      isLink(path, stats),
  });
  const add = (path: string) => {
    if (!IMAGE_EXTENSIONS.some((extension) => path.toLowerCase().endsWith(extension))) return;
    arrived.set(path, { path: shown(path), place: relative(real, path) });
    wake();
  };
  watcher.on('add', add).on('change', add);
  // A picture that is gone before its turn is no failure.
  watcher.on('unlink', (path) => arrived.delete(path));
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    wake();
  };
  watcher.on('error', (cause) => {
    const { path, code, message } = cause as NodeJS.ErrnoException;
    if (path === undefined || TOO_MANY.includes(code) || resolve(path) === real) {
      fail(new FileError(`${folder}: cannot be watched (${message}).`, { cause }));
    } else
      tellOnce(path, `${printableName(shown(path))}: cannot be watched (${message}); the watch of the rest goes on.`);
  });
  await new Promise<void>((ready) => {
    watcher.once('ready', ready);
    watcher.once('error', () => failure && ready());
  });
  // It also keeps the process alive, which the watcher does not once its folder is gone.
  const check = setInterval(() => {
    if (identityOf(folder) === began) return;
    fail(new FileError(`${folder}: the watched folder is no longer there. Start --watch again when it is back.`));
  }, CHECK_EVERY);
  return {
    close: () => {
      clearInterval(check);
      return watcher.close();
    },
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

/** @throws FileError if it is not there */
function realOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (cause) {
    throw new FileError(`${folder}: cannot be watched (${(cause as Error).message}).`, { cause });
  }
}

/** Tells a folder from another of its name; undefined if there is none. */
function identityOf(folder: string): string | undefined {
  let stats: BigIntStats | undefined;
  try {
    stats = statSync(folder, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
  return stats?.isDirectory() ? `${stats.dev}:${stats.ino}` : undefined;
}

/** @param place relative to the watched folder */
function isLeftOut(place: string): boolean {
  return place.split(sep).some((part) => part.startsWith('.'));
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}
