/**
 * A long run of `train` in its own process, for `verify -- long-train`: `train-loop.ts DATA FOLDER EPOCHS`. Prints
 * counts after each epoch as lines of JSON, and then how it ended.
 */
import { readdirSync } from 'node:fs';
import { openGpu } from '../src/gpu/dawn.ts';
import { train } from '../src/train/index.ts';

/** Counts at the end of an epoch. */
export interface EpochSample {
  readonly step: number;
  readonly rss: number;
  readonly allocatedBytes: number;
  readonly bindGroups: number;
  readonly openReadbacks: number;
  readonly openFiles: number;
  readonly threads: number;
}

/** The last line. `end` is "ended", or the error that ended the run. */
export interface TrainEnd {
  readonly end: string;
  readonly step: number;
}

const [data, out, epochs] = process.argv.slice(2) as [string, string, string];
const gpu = await openGpu();
let step = 0;
let end = 'ended';
const sample = (): EpochSample => {
  const { bindGroups, openReadbacks } = gpu.stats;
  return {
    step,
    ...{ bindGroups, openReadbacks, allocatedBytes: gpu.pool.allocatedBytes, rss: process.memoryUsage.rss() },
    openFiles: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
  };
};
try {
  await train({
    ...{ data, out, gpu, mode: 'extract', epochs: Number(epochs), batchSize: 2, imageSize: 32 },
    reporter: {
      stepDone: ({ phase }) => {
        if (phase === 'train') step++;
      },
      epochEnded: () => console.log(JSON.stringify(sample())),
    },
  });
} catch (error) {
  end = `${(error as Error).name}: ${(error as Error).message}`;
}
const last: TrainEnd = { end, step };
console.log(JSON.stringify(last));
gpu.close();
