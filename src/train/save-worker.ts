/** The code of the thread that saves. It receives jobs as messages and answers each with a hash or an error. */
import { parentPort } from 'node:worker_threads';
import { type SaveJob, save } from './save-jobs.ts';

const port = parentPort;
if (!port) throw new Error('save-worker.ts runs only as a thread of save-thread.ts.');

port.on('message', (job: SaveJob) => {
  try {
    port.postMessage({ sha256: save(job) });
  } catch (error) {
    const { name, message, cause } = error as Error;
    port.postMessage({ error: { name, message, code: (cause as NodeJS.ErrnoException | undefined)?.code } });
  }
});
