/** erfinv and truncated normals to torch's bits: samples of all that `uniform_` can give. `npm run verify draws` takes them all. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Tensor } from '../../src/autograd/tensor.ts';
import { refillTruncatedNormal } from '../../src/nn/init.ts';
import { erfinv } from '../../src/random/erfinv.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { goldenModels } from '../models/support.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

const STEP = 1009;
const { truncated: expected } = goldenModels<{ truncated: { erfinv: string; trunc_normal: string; next: number } }>(
  'convnext',
);

const digest = (values: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');

test('every 1009th value has torch’s bits, and an ulp more is seen', () => {
  const values = Float32Array.from({ length: Math.ceil(2 ** 24 / STEP) }, (_, i) => erfinv(i * STEP * 2 ** -23 - 1));
  expect(digest(values)).toBe(expected.erfinv);
  new Uint32Array(values.buffer)[100]! += 1;
  expect(digest(values)).not.toBe(expected.erfinv);
});

test('at the ends and outside', () => {
  expect([erfinv(-1), erfinv(0), erfinv(1)]).toEqual([Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY]);
  expect(erfinv(1.5)).toBeNaN();
});

gpuTest('a truncated normal has torch’s bits, or is skipped', async () => {
  const random = new Generator(5);
  const tensor = Tensor.zeros(gpu, [100, 100]);
  refillTruncatedNormal(tensor, 0.02, { random });
  expect(digest(await tensor.data())).toBe(expected.trunc_normal);
  expect(random.rand()).toBe(Math.fround(expected.next));
  const skipping = new Generator(5);
  refillTruncatedNormal(tensor, 0.02, { random: skipping, init: 'skip' });
  expect(skipping.rand()).toBe(Math.fround(expected.next));
  tensor.dispose();
});
