/** Ctrl-C and SIGTERM: the first ends a command at the next suitable point, the second immediately. */
import type { Output } from './train-report.ts';

/** Exit status of a command that a signal ended. */
export const INTERRUPTED = 130;

/** A command's messages and cleanup when a signal stops it. */
interface Stopping {
  readonly stderr: Output;
  /** Removes progress bars from the terminal. `again` is true for the second signal. */
  readonly stopBar: (again: boolean) => void;
  /** When the command will stop, as the end of the sentence; immediately if omitted. */
  readonly when?: () => string;
}

/** Runs `work` with an AbortSignal that the first signal aborts. */
export async function interruptible<T>(
  { stderr, stopBar, when = () => '' }: Stopping,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = () => {
    const again = interrupt.signal.aborted;
    stopBar(again);
    if (again) process.exit(INTERRUPTED);
    stderr.write(`\nStopping${when()}; interrupt again to stop at once.\n`);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
