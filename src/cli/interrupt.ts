/** Signals: the first ends a command at the next suitable point, the second immediately. */
import { constants } from 'node:os';
import type { Output } from './train-report.ts';

/** Ctrl-C, a polite kill, and the end of the terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Name = (typeof SIGNALS)[number];

/** A command's messages and cleanup when a signal stops it. */
interface Stopping {
  readonly stderr: Output;
  /** Removes progress bars from the terminal. `again` is true for the second signal. */
  readonly stopBar: (again: boolean) => void;
  /** When the command will stop, as the end of the sentence; immediately if omitted. */
  readonly when?: () => string;
}

/** The reason of an AbortSignal that a signal aborted. */
class Interruption extends Error {
  override name = 'Interruption';
  readonly status: number;

  constructor(signal: Name) {
    super(`Stopped by ${signal}.`);
    this.status = statusOf(signal);
  }
}

/** The exit status of a command that was stopped: 130, 143 or 129, by the signal. */
export function interruptedStatus({ reason }: AbortSignal): number {
  return reason instanceof Interruption ? reason.status : statusOf('SIGINT');
}

/** As shells report a program that a signal ended. */
function statusOf(signal: Name): number {
  return 128 + constants.signals[signal];
}

/** Runs `work` with an AbortSignal that the first signal aborts. */
export async function interruptible<T>(
  { stderr, stopBar, when = () => '' }: Stopping,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = (name: Name) => {
    const again = interrupt.signal.aborted;
    stopBar(again);
    if (again) endBy(name);
    stderr.write(`\nStopping${when()}; interrupt again to stop at once.\n`);
    interrupt.abort(new Interruption(name));
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await work(interrupt.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}

/**
 * Ends this process by the signal itself. `process.exit` would wait for threads, and one that reads a file from a dead
 * server never ends. A shell shows the same status for both.
 */
function endBy(name: Name): never {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
  // The first process of a container ignores signals that it does not handle.
  process.exit(statusOf(name));
}
