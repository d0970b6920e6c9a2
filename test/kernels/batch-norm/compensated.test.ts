/** Sums that keep their rounding error (parts/compensated.wgsl), which no compiler may treat as 0. */
import { describe, expect } from 'vitest';
import { counterNoise } from '../../../src/autograd/gradcheck.ts';
import { Tensor } from '../../../src/autograd/index.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import { defineKernel, launch } from '../../../src/kernels/kernel.ts';
import { renderShader } from '../../../src/kernels/source.ts';
import { openTampered, withGpu } from '../../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

const sums = (width: 1 | 4) =>
  defineKernel({
    name: `compensated_${width}`,
    bindings: { a: 'read', b: 'read', high: 'read_write', low: 'read_write' },
    uniforms: { count: 'u32', zero: 'u32' },
    wgsl: `
      alias Value = ${width === 1 ? 'f32' : 'vec4<f32>'};
      struct Params { count: u32, zero: u32 }
      @group(0) @binding(0) var<storage, read> a: array<Value>;
      @group(0) @binding(1) var<storage, read> b: array<Value>;
      @group(0) @binding(2) var<storage, read_write> high: array<Value>;
      @group(0) @binding(3) var<storage, read_write> low: array<Value>;
      @group(0) @binding(4) var<uniform> params: Params;
      ${renderShader('parts/compensated.wgsl', { types: { Value: width } })}
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if (id.x < params.count) {
          var sum = a[id.x];
          var lost = Value();
          addTo(&sum, &lost, b[id.x]);
          high[id.x] = sum;
          low[id.x] = lost;
        }
      }`,
  });

const COUNT = 4096;
const random = counterNoise();
/** Values of both signs, from a thousandth to a thousand. */
const values = () => Float32Array.from({ length: COUNT }, () => (2 * random() - 1) * 10 ** (6 * random() - 3));
const [a, b] = [values(), values()];

/**
 * Counts sums that differ from f32's, or that with their rounding error are not exact (as far as a double can hold).
 */
async function wrongSums(device: Gpu, width: 1 | 4): Promise<number> {
  const [first, second] = [a, b].map((data) => Tensor.from(device, data, [COUNT])) as [Tensor, Tensor];
  const [high, low] = [Tensor.zeros(device, [COUNT]), Tensor.zeros(device, [COUNT])];
  launch(device, sums(width), {
    buffers: { a: first.buffer, b: second.buffer, high: high.buffer, low: low.buffer },
    uniforms: { count: COUNT / width, zero: 0 },
    workgroups: [COUNT / width / 64, 1, 1],
  });
  const [sum, lost] = [await high.data(), await low.data()];
  for (const tensor of [first, second, high, low]) tensor.dispose();
  return a.reduce((wrong, value, i) => {
    const exact = value + b[i]!;
    return wrong + (sum[i] === Math.fround(exact) && sum[i]! + lost[i]! === exact ? 0 : 1);
  }, 0);
}

describe.each([1, 4] as const)('sums of %d', (width) => {
  gpuTest('are exact with their rounding error', async () => {
    expect(await wrongSums(gpu, width)).toBe(0);
  });

  gpuTest('are not exact if a compiler treats that error as 0', async () => {
    const find = 'return (a - (sum - part)) + (b - part);';
    const tampered = await openTampered({ find, replace: 'return a - a;' });
    expect(await wrongSums(tampered, width)).toBeGreaterThan(COUNT / 2);
  });
});
