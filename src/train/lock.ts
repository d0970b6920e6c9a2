/** Keeps two processes from writing one run folder. */
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import { isAlive, temporaryIn } from '../weights/index.ts';

const NAME = '.lock';
/** A process may be between making its lock and writing its name into it. */
const ATTEMPTS = 20;
const WAIT_MS = 10;

/** Locks of this process, by their absolute paths. */
const own = new Set<string>();

/**
 * Takes the folder for this process until the returned function is called. The lock of a process that has ended is
 * taken over.
 * @throws UsageError if it is taken; FileError if it cannot be written
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, NAME);
  for (let attempt = 0; !make(path); attempt++) {
    const text = read(path);
    const owner = ownerIn(text);
    if (owner && isTraining(owner, path)) {
      throw new UsageError(
        `${folder}: process ${owner.pid} on ${owner.host} is training here. Choose another folder, or wait for it; ` +
          `if no such process runs, delete ${path}.`,
      );
    }
    if (owner || attempt === ATTEMPTS) takeAway(path, text);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
  }
  const key = resolve(path);
  own.add(key);
  let held = true;
  return () => {
    // By the second time this process may have locked it anew.
    if (!held) return;
    held = false;
    own.delete(key);
    // Somebody may have deleted it, and another process taken the folder.
    if (ownerIn(read(key))?.pid !== process.pid) return;
    try {
      rmSync(key, { force: true });
    } catch {
      // The folder may have become read-only. The next process takes the lock over.
    }
  };
}

/** Whether the lock was made. @throws FileError if that is impossible */
function make(path: string): boolean {
  let made = false;
  try {
    const descriptor = openSync(path, 'wx');
    made = true;
    try {
      writeSync(descriptor, `${process.pid} ${hostname()}\n`);
    } finally {
      closeSync(descriptor);
    }
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // On a full disk it is empty.
    if (made) rmSync(path, { force: true });
    throw new FileError(`${path}: the run folder cannot be locked (${message})`, { cause: error });
  }
}

/** Removes the lock with this text. Of two processes that try, one may have made its own in between: that stays. */
function takeAway(path: string, text: string | undefined): void {
  const aside = temporaryIn(resolve(path, '..'));
  try {
    renameSync(path, aside);
    if (read(aside) === text) rmSync(aside, { force: true });
    else renameSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new FileError(`${path}: the lock of a run that has ended cannot be removed (${(error as Error).message})`, {
      cause: error,
    });
  }
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

function isTraining({ pid, host }: Owner, path: string): boolean {
  // Processes of another machine cannot be seen from here.
  if (host !== hostname()) return true;
  // A restarted container gives its processes the numbers that they had before.
  if (pid === process.pid) return own.has(resolve(path));
  return isAlive(pid);
}

/** Undefined if the text was cut short by a crash. */
function ownerIn(text: string | undefined): Owner | undefined {
  const [, pid, host] = /^(\d+) (\S+)\n$/.exec(text ?? '') ?? [];
  return pid === undefined || host === undefined ? undefined : { pid: Number(pid), host };
}

/** Undefined for a file that is gone. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
