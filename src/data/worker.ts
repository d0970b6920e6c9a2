/** The code of a decoder thread. It receives jobs as messages, computes them one by one and sends the results back. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadData, WorkerReply, WorkerRequest } from './decoder-pool.ts';
import { PixelBudget } from './pixel-budget.ts';
import { renderBatch } from './render.ts';

const port = parentPort;
if (!port) throw new Error('worker.ts runs only as a thread of decoder-pool.ts.');
const { stop, maxPixels, ignoreOrientation, budget, budgetTotal, progress, thread } = workerData as ThreadData;
const context = {
  stop,
  maxPixels,
  ignoreOrientation,
  progress,
  budget: new PixelBudget(budget, budgetTotal, thread, stop),
};

let last: Promise<void> = Promise.resolve();
port.on('message', (request: WorkerRequest) => {
  last = last.then(() => answer(request));
});

async function answer(request: WorkerRequest): Promise<void> {
  if (request.kind === 'close') {
    port!.close();
    return;
  }
  const { id, job, out } = request;
  try {
    await renderBatch(job, out, context);
    reply({ id, out }, [out.buffer]);
  } catch (error) {
    const { name, message } = error as Error;
    reply({ id, error: { name, message } }, []);
  }
}

function reply(message: WorkerReply, transfer: ArrayBuffer[]): void {
  port!.postMessage(message, transfer);
}
