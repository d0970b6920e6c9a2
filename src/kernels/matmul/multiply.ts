/** Computes a product with any of its kernels. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { addSlices, inSlices } from '../sum-slices.ts';
import {
  type Axis,
  extentOf,
  FROM_0,
  type Operands,
  outputsOf,
  type Product,
  type ProductKernel,
  startsOf,
} from './product.ts';

/**
 * Computes a product. Without elements it launches nothing, and without terms its elements are zeros.
 * @param label of the product in timings
 */
export function multiply(
  gpu: Gpu,
  kernel: ProductKernel,
  product: Product,
  operands: Operands,
  output: PooledBuffer,
  label: string,
): void {
  const count = outputsOf(product);
  const terms = extentOf([product.depth, ...product.summed]);
  if (count === 0) return;
  if (terms === 0 && !operands.bias) gpu.clear(output);
  else if (product.summed.length > 0) addProducts(gpu, kernel, product, operands, output, label);
  else {
    const [x, y] = kernel.grid(product, gpu.traits);
    const sum = {
      terms,
      count,
      workgroups: x * y * extentOf(product.batch),
      wanted: kernel.wanted(gpu.traits),
      leastTerms: kernel.leastDepths,
      multiple: kernel.multiple,
      label,
    };
    inSlices(gpu, sum, output, (target, depthsPerSlice, slices) => {
      kernel.run(gpu, { product, ...operands, output: target, start: FROM_0, depthsPerSlice, slices, label });
    });
  }
}

/** Bytes of the products that are added at once, at least one. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Adds up the products of all summed batches in their order, some at a time: the sum so far and the next products lie
 * one after another.
 */
function addProducts(
  gpu: Gpu,
  kernel: ProductKernel,
  { summed, ...product }: Product,
  operands: Operands,
  output: PooledBuffer,
  label: string,
): void {
  const count = outputsOf({ ...product, summed });
  const together = Math.max(1, Math.floor(MOST_BYTES / (4 * count)) - 1);
  const last = summed.at(-1)!;
  const most = Math.min(last.extent, together);
  const partial = gpu.pool.acquire((most + 1) * count * 4);
  let before = 0;
  for (const start of startsOf(summed.slice(0, -1), FROM_0)) {
    for (let first = 0; first < last.extent; first += most) {
      if (before > 0) gpu.copy(output, partial, count * 4);
      const some: Axis = { ...last, extent: Math.min(most, last.extent - first), output: count };
      kernel.run(gpu, {
        product: { ...product, batch: [some, ...product.batch], summed: [] },
        ...operands,
        output: partial,
        start: { a: start.a + first * last.a, b: start.b + first * last.b, output: before * count },
        depthsPerSlice: product.depth.extent,
        slices: 1,
        label,
      });
      addSlices(gpu, { slices: before + some.extent, count, label }, partial, output);
      before = 1;
    }
  }
  gpu.pool.release(partial);
}
