/**
 * One long loop in its own process, for `verify -- long-loops`: `loops.ts NAME STEPS`. Prints a hundred samples as
 * lines of JSON, with counts of the device and the process's resident memory, and then how it ended.
 */

import { graphSize } from '../src/autograd/graph.ts';
import { unownedTensors } from '../src/autograd/unowned.ts';
import { Generator } from '../src/data/index.ts';
import { backward, crossEntropy, keep, Linear, openGpu, relu, SGD, scope, Tensor } from '../src/index.ts';

/** Counts at a step. */
export interface LoopSample {
  readonly step: number;
  readonly bindGroups: number;
  readonly pipelines: number;
  readonly openReadbacks: number;
  readonly graph: number;
  readonly unowned: number;
  readonly allocatedBytes: number;
  readonly rss: number;
}

/** The last line. `end` is "ended", or the error that ended the loop. */
export interface LoopEnd {
  readonly end: string;
  readonly reportedAt: number | undefined;
  readonly report: string | undefined;
  readonly step: number;
}

/** 31 layers have 62 parameters. */
const LAYERS = 31;

async function main(loop: string, steps: number): Promise<void> {
  const gpu = await openGpu();
  const random = new Generator(0);
  const layers = Array.from({ length: LAYERS }, () => new Linear(gpu, 3, 3, { random }));
  const parameters = layers.flatMap((layer) => layer.parameters());
  const optimizer = new SGD(parameters, { lr: 0, momentum: 0.9 });
  const x = keep(Tensor.from(gpu, Float32Array.of(1, -1, 0.5, 2, 0, -2), [2, 3]));
  const labels = keep(Tensor.from(gpu, Uint32Array.of(0, 2), [2]));
  const kept: Tensor[] = [];

  let step = 0;
  let reportedAt: number | undefined;
  let report: string | undefined;
  console.warn = (text: string) => {
    reportedAt ??= step;
    report ??= text;
  };
  const forward = (depth: number) => {
    let h = x;
    for (const layer of layers.slice(0, depth)) h = layer.call(h);
    return crossEntropy(relu(h), labels);
  };
  const train = (loss: Tensor) => {
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
  };
  const bodies: Record<string, () => Promise<void>> = {
    // Every step has another learning rate, and disposes all its tensors.
    'new-lr': async () => {
      optimizer.lr = 1e-3 / (step + 1);
      const loss = scope(() => {
        const result = forward(LAYERS);
        train(result);
        return result;
      });
      if (step % 100 === 0) await loss.item();
      loss.dispose();
    },
    // Uses neither scope nor dispose: reads each loss and drops it.
    forgets: async () => {
      const loss = forward(2);
      train(loss);
      await loss.item();
    },
    // Keeps every loss.
    keeps: async () => {
      const loss = scope(() => forward(2));
      train(loss);
      kept.push(loss);
      if (step % 100 === 0) await loss.item();
    },
  };
  let end = 'ended';
  try {
    for (step = 0; step < steps; step++) {
      await bodies[loop]!();
      if (step % (steps / 100) === 0) {
        const { bindGroups, pipelines, openReadbacks } = gpu.stats;
        const sample: LoopSample = {
          step,
          bindGroups,
          pipelines,
          openReadbacks,
          graph: graphSize(gpu),
          unowned: unownedTensors(gpu),
          allocatedBytes: gpu.pool.allocatedBytes,
          rss: process.memoryUsage.rss(),
        };
        console.log(JSON.stringify(sample));
      }
    }
  } catch (error) {
    end = `${(error as Error).name}: ${(error as Error).message}`;
  }
  const last: LoopEnd = { end, reportedAt, report, step };
  console.log(JSON.stringify(last));
  gpu.close();
}

const [loop, steps] = process.argv.slice(2);
await main(loop!, Number(steps));
