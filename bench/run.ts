/** `npm run bench` without its command line: times the yardstick, then each kind of work, on one device. */
import type { Gpu } from '../src/gpu/gpu.ts';
import { type Architecture, TUTORIAL_ARCHITECTURE } from '../src/models/types.ts';
import { profileWork } from './profile.ts';
import { type BenchReport, describeMachine, type Share } from './report.ts';
import { WORKS, type Work } from './steps.ts';
import { timingMethod } from './timing.ts';
import { ProductBench, type ProductKernel, type ProductSize } from './yardstick.ts';

export interface BenchOptions {
  readonly batchSize?: number;
  /** Number of timed steps per kind of work. */
  readonly steps?: number;
  /** Keeps only the rows whose "kernel shape" matches. */
  readonly only?: RegExp | undefined;
  /** Repeats kernels alone instead of timing them in real steps. */
  readonly alone?: boolean;
  /** torchvision's name of the network; ResNet-18 by default. */
  readonly architecture?: Architecture;
  /** Side of the pictures. Not a flag: published figures are for 224. */
  readonly imageSize?: number;
  /** All by default. */
  readonly works?: readonly Work[];
  /** Size and kernels of the yardstick. Not a flag either. */
  readonly matmul?: { readonly size: ProductSize; readonly kernels: readonly ProductKernel[] };
  /** Called with a name before each part. */
  readonly note?: (text: string) => void;
}

export const DEFAULTS = { batchSize: 4, steps: 12, imageSize: 224, architecture: TUTORIAL_ARCHITECTURE } as const;

export async function runBench(gpu: Gpu, options: BenchOptions = {}): Promise<BenchReport> {
  const { batchSize, steps, imageSize, architecture } = { ...DEFAULTS, ...options };
  const { only, alone = false, note = () => {} } = options;
  const wanted = (text: string) => only === undefined || only.test(text);
  note('matrix products');
  const products = await ProductBench.prepare(gpu, options.matmul?.size, options.matmul?.kernels);
  await products.measure();
  const works = [];
  for (const work of options.works ?? WORKS) {
    note(work);
    works.push(await profileWork(gpu, work, { batchSize, steps, imageSize, architecture, alone, wanted }));
  }
  // Again, because the machine may have become faster in the meantime.
  note('matrix products again');
  await products.measure();
  const matmul = products.result();
  products.dispose();
  const timing = timingMethod(gpu);
  return {
    ...describeMachine(gpu),
    architecture,
    batch: batchSize,
    imageSize,
    steps,
    timing,
    place: alone || timing === 'wall' ? 'alone' : 'step',
    only: only?.source ?? null,
    matmul,
    works: works.map((work) => ({
      ...work,
      kernels: work.kernels
        .filter((row) => wanted(`${row.kernel} ${row.shape}`))
        .map((row) => withShare(row, matmul.best.gflops)),
      kinds: work.kinds.map((row) => withShare(row, matmul.best.gflops)),
    })),
  };
}

function withShare<T extends { readonly gflops: number | null }>(row: T, best: number): T & Share {
  return { ...row, ofMatmul: row.gflops === null ? null : row.gflops / best };
}
