/**
 * Our steps beside PyTorch's: both processes live at once and work in turn, in short blocks, so that a machine whose speed
 * drifts is equally fast for both. A block is N steps back to back, until the last loss (or the logits) is on the host.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { backward, crossEntropy, noGrad, scope, Tensor } from '../src/autograd/index.ts';
import { openGpu } from '../src/gpu/dawn.ts';
import type { Gpu } from '../src/gpu/gpu.ts';
import { Linear, type ResNet, resnet18, SGD } from '../src/nn/index.ts';
import { readCheckpoint } from '../src/weights/index.ts';

export const WORKS = ['finetune-step', 'extract-step', 'eval-forward'] as const;
export type Work = (typeof WORKS)[number];

export interface Comparison {
  readonly work: Work;
  readonly batch: number;
  readonly oursMs: number;
  readonly pytorchMs: number;
  /** Median over blocks of ours / PyTorch's, each pair measured one after the other. */
  readonly ratio: number;
}

export interface CompareOptions {
  readonly python: string;
  readonly weights: string;
  readonly batchSize?: number;
  /** Steps of each kind of work in all; they are cut into blocks. */
  readonly steps?: number;
}

/** Steps per block. */
const BLOCK = 4;

export async function compare(options: CompareOptions): Promise<Comparison[]> {
  const { python, weights, batchSize = 4, steps = 20 } = options;
  const torch = startTorch(python, weights, batchSize);
  const gpu = await openGpu();
  const results: Comparison[] = [];
  for (const work of WORKS) {
    const ours = prepare(gpu, work, weights, batchSize);
    for (let i = 0; i < 2; i++) await ours.block(1);
    await torch(work, 1);
    const pairs: { ours: number; torch: number }[] = [];
    for (let done = 0; done < steps; done += BLOCK) {
      const count = Math.min(BLOCK, steps - done);
      pairs.push({ ours: await ours.block(count), torch: await torch(work, count) });
    }
    ours.dispose();
    results.push({
      work,
      batch: batchSize,
      oursMs: median(pairs.map((pair) => pair.ours)),
      pytorchMs: median(pairs.map((pair) => pair.torch)),
      ratio: median(pairs.map((pair) => pair.ours / pair.torch)),
    });
  }
  torch.end();
  gpu.close();
  return results;
}

/** One kind of work on our side: `block(n)` runs n steps and gives the milliseconds per step. */
function prepare(gpu: Gpu, work: Work, weights: string, batchSize: number) {
  const model = resnet18(gpu, { init: 'skip' });
  model.loadStateDict(readCheckpoint(weights).tensors);
  if (work === 'extract-step') model.freeze();
  model.fc = new Linear(gpu, 512, 2, { init: 'skip' });
  model.train(work !== 'eval-forward');
  const optimizer = new SGD(work === 'extract-step' ? model.fc.parameters() : model.parameters(), {
    lr: 0.001,
    momentum: 0.9,
  });
  const images = Float32Array.from(
    { length: batchSize * 3 * 224 * 224 },
    (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.011),
  );
  const labels = Uint32Array.from({ length: batchSize }, (_, i) => i % 2);
  const run =
    work === 'eval-forward' ? () => evaluate(gpu, model, images) : () => train(gpu, model, optimizer, images, labels);
  return {
    block: async (count: number) => {
      const start = performance.now();
      let last: Tensor | undefined;
      for (let i = 0; i < count; i++) {
        last?.dispose();
        last = run();
        gpu.flush();
      }
      await last!.readback(`${work} ${count}`).get();
      last!.dispose();
      return (performance.now() - start) / count;
    },
    dispose: () => {
      optimizer.dispose();
      model.dispose();
    },
  };
}

function train(
  gpu: Gpu,
  model: ResNet,
  optimizer: SGD,
  images: Float32Array<ArrayBuffer>,
  labels: Uint32Array<ArrayBuffer>,
) {
  optimizer.zeroGrad();
  const loss = scope(() => {
    const input = Tensor.from(gpu, images, [labels.length, 3, 224, 224]);
    const result = crossEntropy(model.call(input), Tensor.from(gpu, labels, [labels.length]));
    backward(result);
    return result;
  });
  optimizer.step();
  return loss;
}

function evaluate(gpu: Gpu, model: ResNet, images: Float32Array<ArrayBuffer>) {
  return noGrad(() =>
    scope(() => model.call(Tensor.from(gpu, images, [images.length / (3 * 224 * 224), 3, 224, 224]))),
  );
}

/** A PyTorch process that times steps on demand. */
function startTorch(python: string, weights: string, batchSize: number) {
  const script = new URL('../verify/python/speed.py', import.meta.url).pathname;
  const child = spawn(python, [script, weights, `${batchSize}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const time = async (work: Work, count: number): Promise<number> => {
    child.stdin.write(`${work} ${count}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${python} ended before it had timed ${work}; see its message above.`);
    return Number(value);
  };
  return Object.assign(time, { end: () => child.stdin.end() });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
