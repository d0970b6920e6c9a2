/** Keeps two processes from writing one run folder. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import { isAlive } from '../weights/index.ts';

const NAME = '.lock';

/** Locks of this process, by their absolute paths. */
const own = new Set<string>();

/**
 * Takes the folder for this process until the returned function is called. The lock of a process that has ended is
 * taken over.
 * @throws UsageError if it is taken; FileError if it cannot be written
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, NAME);
  for (let attempt = 0; ; attempt++) {
    try {
      const descriptor = openSync(path, 'wx');
      writeSync(descriptor, `${process.pid} ${hostname()}\n`);
      closeSync(descriptor);
      break;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST')
        throw new FileError(`${path}: the run folder cannot be locked (${message})`, { cause: error });
      const owner = ownerOf(path);
      if (owner && (attempt > 0 || isTraining(owner, path))) {
        throw new UsageError(
          `${folder}: process ${owner.pid} on ${owner.host} is training here. Choose another folder, or wait for it; ` +
            `if no such process runs, delete ${path}.`,
        );
      }
      rmSync(path, { force: true });
    }
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
    if (ownerOf(key)?.pid === process.pid) rmSync(key, { force: true });
  };
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

/** Undefined for a file that is gone, or cut short by a crash. */
function ownerOf(path: string): Owner | undefined {
  try {
    const [, pid, host] = /^(\d+) (\S+)\n$/.exec(readFileSync(path, 'utf8')) ?? [];
    return pid === undefined || host === undefined ? undefined : { pid: Number(pid), host };
  } catch {
    return undefined;
  }
}
