/** The exit status of commands: each kind of failure has its own, for scripts and supervisors. */
import { type DawngradError, FileError, UsageError } from '../errors.ts';
import { DeviceLostError, OutOfMemoryError, WatchdogError } from '../gpu/errors.ts';
import { DivergedError } from '../train/index.ts';

/** Signals add their number to 128: see `interrupt.ts`. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  diverged: 3,
  deviceLost: 4,
  outOfMemory: 5,
  watchdog: 6,
  diskFull: 7,
} as const;

/** The disk is full, or the user's share of it is. */
const NO_SPACE: readonly unknown[] = ['ENOSPC', 'EDQUOT'];
/** The user has no right to write, or nobody has. */
const READ_ONLY: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS'];

const SIGNALS = '130 stopped by Ctrl-C (SIGINT), 143 by SIGTERM, 129 by SIGHUP.';

/** For --help of train. */
export const EXIT_HELP = `Exit status: 0 done, 1 failed, 2 wrong usage, 3 the training diverged, 4 the device was lost, 5 it is out of memory,
6 it gives no result any more, 7 the disk is full; ${SIGNALS}`;

/** For --help of other commands. */
export const EXIT_HELP_WITHOUT_TRAINING = `Exit status: 0 done, 1 failed, 2 wrong usage, 4 the device was lost, 5 it is out of memory, 6 it gives no result any
more, 7 the disk is full; ${SIGNALS}`;

export function exitStatusOf(error: DawngradError): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof DivergedError) return EXIT.diverged;
  if (error instanceof DeviceLostError) return EXIT.deviceLost;
  if (error instanceof OutOfMemoryError) return EXIT.outOfMemory;
  if (error instanceof WatchdogError) return EXIT.watchdog;
  if (error instanceof FileError && isNoSpace(error)) return EXIT.diskFull;
  return EXIT.failed;
}

/** Whether this error of a write, or its cause, says that there is no room. */
export function isNoSpace(error: Error): boolean {
  return hasCode(error, NO_SPACE);
}

/** Whether this error of a write, or its cause, says that nothing may be written in this place. */
export function isReadOnlyPlace(error: Error): boolean {
  return hasCode(error, READ_ONLY);
}

function hasCode(error: Error, codes: readonly unknown[]): boolean {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (codes.includes((one as NodeJS.ErrnoException).code)) return true;
  }
  return false;
}
