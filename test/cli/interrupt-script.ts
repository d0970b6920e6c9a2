/** A program that waits until a signal stops it; `stuck` keeps a thread in a read that never ends. */
import { Worker } from 'node:worker_threads';
import { interruptedStatus, interruptible } from '../../src/cli/interrupt.ts';

const [mode, fifo] = process.argv.slice(2);
if (mode === 'stuck') new Worker(`require('node:fs').openSync(${JSON.stringify(fifo)})`, { eval: true });
const stopping = { stderr: process.stderr, stopBar: () => {}, when: () => ' soon' };
const status = await interruptible(stopping, async (signal) => {
  // Long enough for the thread to reach its read.
  setTimeout(() => process.stderr.write('ready\n'), 300);
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => {
      if (!signal.aborted || mode === 'stuck') return;
      clearInterval(alive);
      resolve();
    }, 10);
  });
  return interruptedStatus(signal);
});
process.exitCode = status;
