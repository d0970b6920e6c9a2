/** Runs a command as a program: only if its file was started, with outputs that may fail, and with an exit status. */
import { realpathSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EXIT, isNoSpace } from './exit-status.ts';
import { goToUser } from './npm.ts';

interface Stream {
  on(event: 'error', listener: (error: Error) => void): unknown;
  write(text: string): unknown;
}

/**
 * Runs `main` if its module is the program, and sets the exit status.
 * @param url the module's `import.meta.url`
 * @param name for messages: `train`
 */
export async function runProgram(url: string, name: string, main: (argv: string[]) => Promise<number>): Promise<void> {
  if (isProgram(url, process.argv[1])) await runCommand(name, main);
}

/** The same, without looking which module was started. */
export async function runCommand(name: string, main: (argv: string[]) => Promise<number>): Promise<void> {
  const outputs = new Outputs(name, process);
  goToUser(process.env, process.argv);
  const status = await main(process.argv.slice(2));
  // An error of the last write arrives a turn later.
  await setImmediate();
  process.exitCode = outputs.statusAfter(status);
  // A device that hangs would keep the process.
  if (status === EXIT.watchdog) process.exit();
}

/**
 * Whether Node was started with this module. It may have been started through a symbolic link, and Node finds a CommonJS
 * file without its extension too.
 * @param started the path that Node was given
 */
export function isProgram(url: string, started: string | undefined): boolean {
  if (started === undefined) return false;
  const own = real(fileURLToPath(url));
  return [started, `${started}.js`].some((path) => real(path) === own);
}

function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/**
 * The outputs of a program. A full disk behind stdout, or a terminal that is gone, does not end a command: its results
 * are also in files. One line on stderr tells, and so does the exit status. A closed reader (`| head`) is no failure.
 */
export class Outputs {
  #failure: Error | undefined;

  constructor(name: string, { stdout, stderr }: { readonly stdout: Stream; readonly stderr: Stream }) {
    stdout.on('error', (error) => {
      if (this.#failure) return;
      this.#failure = error;
      if (!isClosedPipe(error))
        stderr.write(`${name}: stdout cannot be written (${error.message}); going on without.\n`);
    });
    // There is no place left to tell of it.
    stderr.on('error', () => {});
  }

  /** @param status that of the command itself */
  statusAfter(status: number): number {
    const failure = this.#failure;
    if (status !== EXIT.done || !failure || isClosedPipe(failure)) return status;
    return isNoSpace(failure) ? EXIT.diskFull : EXIT.failed;
  }
}

function isClosedPipe(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE';
}
