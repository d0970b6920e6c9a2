/** Keeps two processes from writing one run folder. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import { isAlive } from '../weights/index.ts';

const NAME = '.lock';

/**
 * Takes the folder for this process until the returned function is called. The lock of a process that has ended is
 * taken over.
 * @throws UsageError if another process has it; FileError if it cannot be written
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, NAME);
  const own = `${process.pid} ${hostname()}\n`;
  for (let attempt = 0; ; attempt++) {
    try {
      const descriptor = openSync(path, 'wx');
      writeSync(descriptor, own);
      closeSync(descriptor);
      break;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST')
        throw new FileError(`${path}: the run folder cannot be locked (${message})`, { cause: error });
      const owner = ownerOf(path);
      // Processes of another machine cannot be seen from here, so they count as alive.
      const alive = owner && (owner.host !== hostname() || isAlive(owner.pid));
      if (alive || (owner && attempt > 0)) {
        throw new UsageError(
          `${folder}: process ${owner.pid} on ${owner.host} is training here. Choose another folder, or wait for it; ` +
            `if no such process runs, delete ${path}.`,
        );
      }
      rmSync(path, { force: true });
    }
  }
  return () => {
    if (read(path) === own) rmSync(path, { force: true });
  };
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

/** Undefined for a file that is gone, or cut short by a crash. */
function ownerOf(path: string): Owner | undefined {
  const [, pid, host] = /^(\d+) (\S+)\n$/.exec(read(path) ?? '') ?? [];
  return pid === undefined || host === undefined ? undefined : { pid: Number(pid), host };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
