/** Computes a product with any of its kernels. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { accumulate } from '../elementwise/arithmetic.ts';
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

/** Bytes of partial sums that lie beside one another, unless there is only one. */
const MOST_BYTES = 64 * 2 ** 20;
/** A longer chain of additions would round more than needed. */
const MOST_DEPTHS = 2 ** 13;

const productsAtOnce = (count: number) => Math.max(1, Math.floor(MOST_BYTES / (4 * count)));

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
    const workgroups = x * y * extentOf(product.batch);
    const slices = Math.min(Math.ceil(terms / MOST_DEPTHS), productsAtOnce(count));
    const sum = {
      terms,
      count,
      workgroups,
      wanted: Math.max(kernel.wanted(gpu.traits), slices * workgroups),
      leastTerms: kernel.leastDepths,
      multiple: kernel.multiple,
      label,
    };
    inSlices(gpu, sum, output, (target, depthsPerSlice, slices) => {
      kernel.run(gpu, { product, ...operands, output: target, start: FROM_0, depthsPerSlice, slices, label });
    });
  }
}

/** Adds up the products of all summed batches in their order: sums of some of them at a time, then those sums. */
function addProducts(
  gpu: Gpu,
  kernel: ProductKernel,
  product: Product,
  operands: Operands,
  output: PooledBuffer,
  label: string,
): void {
  const count = outputsOf(product);
  const last = product.summed.at(-1)!;
  const most = Math.min(last.extent, productsAtOnce(count));
  const products = gpu.pool.acquire(most * count * 4);
  const sum = gpu.pool.acquire(count * 4);
  let target = output;
  for (const start of startsOf(product.summed.slice(0, -1), FROM_0)) {
    for (let first = 0; first < last.extent; first += most) {
      const some: Axis = { ...last, extent: Math.min(most, last.extent - first), output: count };
      kernel.run(gpu, {
        product: { ...product, batch: [some, ...product.batch], summed: [] },
        ...operands,
        output: products,
        start: { a: start.a + first * last.a, b: start.b + first * last.b, output: 0 },
        depthsPerSlice: product.depth.extent,
        slices: 1,
        label,
      });
      addSlices(gpu, { slices: some.extent, count, label }, products, target);
      if (target === sum) accumulate(gpu, count, sum, output);
      target = sum;
    }
  }
  gpu.pool.release(sum);
  gpu.pool.release(products);
}
