/** Ctrl-C and SIGTERM: the first ends a command when it comes to a good place, the second at once. */
import type { Output } from './train-report.ts';

/** Exit status of a command that a signal ended. */
export const INTERRUPTED = 130;

/** What a command does when it is told to stop. */
interface Stopping {
  readonly stderr: Output;
  /** Takes progress bars off the terminal, the first time and `again`. */
  readonly stopBar: (again: boolean) => void;
  /** When it will stop, as the end of the sentence; at once if left out. */
  readonly when?: () => string;
}

/** Runs `work` with a signal that the first of them aborts. */
export async function interruptible<T>(
  { stderr, stopBar, when = () => '' }: Stopping,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = () => {
    const again = interrupt.signal.aborted;
    stopBar(again);
    if (again) process.exit(INTERRUPTED);
    stderr.write(`\nStopping${when()}; once more to stop at once.\n`);
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
