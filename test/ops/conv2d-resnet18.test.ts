/**
 * The kernels for GPUs at every shape of ResNet-18, beside those for CPU adapters, which share nothing with them but the
 * shape and were held against PyTorch's values and sums in double at others.
 */
import { describe, expect } from 'vitest';
import { counterNoise } from '../../src/autograd/gradcheck.ts';
import type { PooledBuffer } from '../../src/gpu/pool.ts';
import type { Conv2dVariant } from '../../src/kernels/conv2d-candidates.ts';
import { runWork, sizesOf } from '../../src/tune/run-work.ts';
import { withGpu } from '../support/gpu.ts';
import { resnet18Convolutions } from '../support/resnet18.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

/**
 * Relative L2 difference. Both add up n terms of either sign one after another, in slices or not, which is off by some 2⁻²⁴ √n of
 * a sum at most: n is 576 at least where it matters, and 401,408 for the first weight gradient at batch 32, in runs of fewer.
 */
const TOLERANCE = 2e-6;

const WRITTEN = { forward: 'output', inputGrad: 'input', weightGrad: 'weight' } as const;

describe.each([1, 4, 32])('at batch %d', (batch) => {
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
        const forms: PooledBuffer[] = [];
        const form = (_: string, bytes: number, write: (target: PooledBuffer) => void) => {
          const target = gpu.pool.acquire(bytes);
          write(target);
          forms.push(target);
          return target;
        };
        runWork(gpu, work, variant, { ...buffers, weight: { original: buffers.weight, form } });
        for (const target of forms) gpu.pool.release(target);
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
      expect(Math.sqrt(apart / whole)).toBeLessThan(TOLERANCE);
    });
  }
});
