/** Runs a command as a program: only if its file was started, with outputs that may fail, and with an exit status. */
import { realpathSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DawngradError, UsageError } from '../errors.ts';
import { OutOfMemoryError } from '../gpu/errors.ts';
import { onMissingFont } from '../pictures/missing-font.ts';
import { printableLines } from '../printable.ts';
import { called } from './called.ts';
import { EXIT, exitStatusOf, isNoSpace, isReadOnlyPlace } from './exit-status.ts';
import { goToUser } from './npm.ts';
import type { Output } from './output.ts';

interface Stream {
  on(event: 'error', listener: (error: Error) => void): unknown;
  write(text: string): unknown;
}

/** The parts of the process that a command needs. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
}

/** What makes a command of its parts. */
export interface Command<Asked> {
  /** For messages: `train`. */
  readonly name: string;
  /** What --help prints. */
  readonly help: string;
  /** What the arguments ask for. @throws UsageError */
  readonly parse: (argv: readonly string[], env: NodeJS.ProcessEnv) => Asked | 'help';
  /** @returns exit status */
  readonly run: (asked: Asked, io: Io) => Promise<number>;
  /** A line after an error's message, if there is more to say. */
  readonly advice?: (error: DawngradError) => string | undefined;
}

/**
 * Runs a command: prints its help, or does its work. Errors of this package become a message and an exit status; others
 * are bugs, and thrown.
 * @param argv arguments after the script's name
 * @returns exit status: see `exit-status.ts`
 */
export async function perform<Asked>(command: Command<Asked>, argv: readonly string[], io: Io): Promise<number> {
  const { name, help, parse, run, advice } = command;
  const tell = (text: string) => io.stderr.write(`${printableLines(text)}\n`);
  try {
    const asked = parse(argv, io.env);
    if (asked === 'help') {
      io.stdout.write(help);
      return EXIT.done;
    }
    onMissingFont(tell);
    return await run(asked, io);
  } catch (error) {
    if (!(error instanceof DawngradError)) throw error;
    tell(`${name}: ${error.message}`);
    const more = advice?.(error);
    if (more !== undefined) tell(more);
    if (error instanceof UsageError) tell(`Try "${called(name)} --help".`);
    return exitStatusOf(error);
  }
}

/** For commands that have these flags. */
export function memoryAdvice(error: DawngradError): string | undefined {
  return error instanceof OutOfMemoryError ? 'Try a smaller --batch-size or --image-size.' : undefined;
}

/** For commands that write a file in a place of their own choice. @param remedy how to choose another */
export function placeAdvice(remedy: string): (error: DawngradError) => string | undefined {
  return (error) => (isReadOnlyPlace(error) ? remedy : undefined);
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
