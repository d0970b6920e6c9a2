/**
 * The kernels for GPUs at every shape of ResNet-18, compared with those for CPU adapters. The two share only the shape.
 * Other tests check the latter against PyTorch's values and sums in double.
 */
import { describe, expect } from 'vitest';
import { counterNoise } from '../../../src/autograd/gradcheck.ts';
import type { Pooled } from '../../../src/gpu/pool.ts';
import type { Conv2dVariant } from '../../../src/kernels/conv2d/choose.ts';
import type { Conv2dWork } from '../../../src/kernels/conv2d/work.ts';
import { runWork, sizesOf } from '../../../src/tune/run-work.ts';
import { uncached } from '../../support/conv2d.ts';
import { withGpu } from '../../support/gpu.ts';
import { resnet18Convolutions } from '../../support/resnet18.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

/**
 * Relative L2 difference. Both variants add up n terms of both signs one after another. A partial sum grows like the
 * square root of its terms, and each addition rounds it by some 0.3 · 2⁻²⁴. This makes 0.2 · 2⁻²⁴ √n of the last,
 * twice, and less in slices.
 */
function toleranceOf({ pass, shape: s }: Conv2dWork): number {
  const taps = s.kernelHeight * s.kernelWidth;
  const pixels = s.batch * s.outHeight * s.outWidth;
  const terms = { forward: s.inChannels * taps, inputGrad: s.outChannels * taps, weightGrad: pixels }[pass];
  return 2 ** -24 * Math.sqrt(terms);
}

const WRITTEN = { forward: 'output', inputGrad: 'input', weightGrad: 'weight' } as const;

/** A batch of 32 takes minutes, so only `npm run verify -- ops` has it. */
const batches = process.env.DAWNGRAD_BATCHES?.split(',').map(Number) ?? [1, 4];

describe.each(batches)('at batch %d', (batch) => {
  for (const work of resnet18Convolutions(batch)) {
    gpuTest(work.name, async () => {
      const sizes = sizesOf(work);
      const random = counterNoise(1);
      const filled = (count: number) => {
        const buffer = gpu.pool.acquire(count * 4);
        gpu.upload(
          buffer,
          Float32Array.from({ length: count }, () => 2 * random() - 1),
        );
        return buffer;
      };
      const buffers = { input: filled(sizes.input), output: filled(sizes.output), weight: filled(sizes.weight) };
      const written = WRITTEN[work.pass];
      const result = async (variant: Conv2dVariant) => {
        const derived: Pooled[] = [];
        const { derive } = uncached(buffers.weight, (memory) => derived.push(memory));
        runWork(gpu, work, variant, { ...buffers, derive });
        for (const target of derived) gpu.pool.release(target);
        return new Float32Array(await gpu.read(buffers[written], sizes[written] * 4));
      };
      const [ours, other] = [await result('tiled'), await result('rows')];
      let [apart, whole] = [0, 0];
      for (const [i, value] of other.entries()) {
        apart += (ours[i]! - value) ** 2;
        whole += value ** 2;
      }
      for (const buffer of Object.values(buffers)) gpu.pool.release(buffer);
      expect(whole).toBeGreaterThan(0);
      expect(Math.sqrt(apart / whole)).toBeLessThan(toleranceOf(work));
    });
  }
});
