/** Products of matrices beside the fastest matrix product on the adapter, in turn. */
import { median } from '../../bench/statistics.ts';
import { timeOnClock } from '../../bench/timing.ts';
import { ProductBench } from '../../bench/yardstick.ts';
import { matmul, noGrad, Tensor } from '../../src/autograd/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { atLeast, type Outcome, type Row, times } from '../row.ts';

/** Shape of both operands. */
const SHAPES = [
  [512, 512],
  [8, 256, 256],
] as const;
const BAR = 1;
const ROUNDS = 9;

export const matmulRow: Row = {
  name: 'matmul',
  title: `products of 512x512, and of 8 of 256x256, their operations per second beside the best matrix product's, in turn`,
  minutes: 1,
  ci: true,
  alone: true,
  run: async () => {
    const gpu = await openGpu();
    const yardstick = await ProductBench.prepare(gpu);
    await yardstick.measure();
    const products = SHAPES.map((shape) => ({ shape, once: productOf(gpu, shape), rates: [] as number[] }));
    const best: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      best.push(await yardstick.measureBest());
      for (const { shape, once, rates } of products) {
        const flops = 2 * shape.reduce((product, extent) => product * extent, 1) * shape.at(-1)!;
        rates.push(flops / (await timeOnClock(gpu, once)) / 1e6);
      }
    }
    const { description } = gpu.traits;
    gpu.close();
    return products.map(({ shape, rates }): Outcome => {
      const each = `${median(rates).toFixed(1)} to ${median(best).toFixed(1)} GFLOP/s`;
      const what = `${shape.join('x')} on ${description}, ${each} (medians of ${ROUNDS} rounds), ratio`;
      return atLeast(what, median(rates.map((rate, round) => rate / best[round]!)), BAR, times);
    });
  },
};

/** Records one product of two matrices, or batches of them, of this shape. */
function productOf(gpu: Gpu, shape: readonly number[]): () => void {
  const random = new Generator(0);
  const size = shape.reduce((product, extent) => product * extent, 1);
  const [a, b] = [0, 1].map(() => Tensor.from(gpu, random.fillUniform(new Float32Array(size), -0.5, 0.5), shape));
  return () => noGrad(() => matmul(a!, b!)).dispose();
}
