/** A thread of pixel-budget.test.ts: takes 40 of 100 pixels and gives them back, then 41, and tells after each. */
import { parentPort, workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
const { PixelBudget } = await import('../../src/data/pixel-budget.ts');
const budget = new PixelBudget(workerData, 100, 1);
budget.take(40);
budget.release();
parentPort?.postMessage('small');
budget.take(41);
parentPort?.postMessage('large');
