/** Caches are bounded, and these tests reach each bound. Values that change with every step create nothing. */

import { describe, expect, test } from 'vitest';
import { keep, relu, scope, Tensor } from '../../src/autograd/index.ts';
import { BoundedCache } from '../../src/gpu/bounded-cache.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { defineKernel, launch } from '../../src/kernels/kernel.ts';
import { SGD } from '../../src/optim/sgd.ts';
import { openDryGpu } from '../../src/plan/index.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest } = await withGpu();
const traits = {
  kind: 'cpu',
  subgroupSize: 8,
  maxWorkgroupStorage: 32768,
  maxInvocations: 1024,
  shaderF16: false,
  vendor: '',
  architecture: '',
  description: '',
} as const;

describe('BoundedCache', () => {
  test('keeps what was used in the last generation, and at most two generations', () => {
    let dropped = 0;
    const cache = new BoundedCache<number, string>(3, () => dropped++);
    for (let i = 0; i < 100; i++) {
      cache.set(i, `${i}`);
      expect(cache.get(i)).toBe(`${i}`);
      // This entry is never out of use.
      expect(cache.get(0)).toBe('0');
      expect(cache.size).toBeLessThanOrEqual(6);
    }
    expect(cache.get(50)).toBeUndefined();
    expect(cache.get(99)).toBe('99');
    expect(dropped).toBeGreaterThan(10);
    cache.clear();
    expect([cache.size, cache.get(0)]).toEqual([0, undefined]);
  });
});

describe('a value that changes with every dispatch', () => {
  const scale = defineKernel({
    name: 'test_scale',
    bindings: { input: 'read', output: 'read_write' },
    uniforms: { factor: 'f32' },
    wgsl: `
      struct Params { factor: f32 }
      @group(0) @binding(0) var<storage, read> input: array<f32>;
      @group(0) @binding(1) var<storage, read_write> output: array<f32>;
      @group(0) @binding(2) var<uniform> params: Params;
      @compute @workgroup_size(1) fn main() { output[0] = params.factor * input[0]; }`,
  });

  gpuTest('creates no bind group, and reaches its own dispatch', async () => {
    const own = await openGpu();
    const input = Tensor.from(own, Float32Array.of(1), [1]);
    // More than one submission holds.
    const outputs = Array.from({ length: 300 }, () => Tensor.empty(own, [1]));
    const run = (factor: number) =>
      outputs.forEach((output, i) => {
        const buffers = { input: input.buffer, output: output.buffer };
        launch(own, scale, { buffers, uniforms: { factor: factor + i }, workgroups: [1, 1, 1] });
      });
    // Several bind groups take turns, so let all of them exist first.
    for (let i = 0; i < 5; i++) run(i);
    const { bindGroups } = own.stats;
    run(1000);
    expect(own.stats.bindGroups).toBe(bindGroups);
    const found = await Promise.all(outputs.map((output) => output.item()));
    expect(found).toEqual(outputs.map((_, i) => 1000 + i));
    own.close();
  });

  gpuTest('such as a learning rate, leaves the counts unchanged', async () => {
    const own = await openGpu();
    const parameters = Array.from({ length: 5 }, (_, i) => Tensor.from(own, new Float32Array(i + 1).fill(1), [i + 1]));
    for (const parameter of parameters) parameter.grad = Tensor.from(own, new Float32Array(parameter.size).fill(1));
    const optimizer = new SGD(parameters, { lr: 0, momentum: 0.9 });
    const counts = [];
    let sum = 0;
    for (let step = 0; step < 600; step++) {
      optimizer.lr = 1e-4 * (step + 1);
      sum += optimizer.lr;
      optimizer.step();
      if (step === 100 || step === 599) counts.push({ ...own.stats, submits: 0, dispatches: 0 });
    }
    expect(counts[1]).toEqual(counts[0]);
    expect(sum).toBeGreaterThan(1);
    own.close();
  });
});

gpuTest('bind groups are dropped beyond a bound, and created anew when needed again', async () => {
  const own = await openGpu();
  const x = Tensor.from(own, Float32Array.of(-1, 2), [2]);
  const outputs = [];
  for (let i = 0; i < 5000; i++) outputs.push(keep(scope(() => relu(x))));
  expect(own.stats.bindGroups).toBeLessThanOrEqual(4096);
  expect(own.stats.bindGroups).toBeGreaterThan(2048);
  expect(await outputs[0]!.data()).toEqual(Float32Array.of(0, 2));
  for (const output of outputs) output.dispose();
  const again = scope(() => relu(x));
  expect(await again.data()).toEqual(Float32Array.of(0, 2));
  own.close();
});

test('pipelines are dropped beyond a bound', () => {
  // A stand-in device, because compiling so many takes a minute.
  const dry = openDryGpu(traits);
  const output = keep(Tensor.empty(dry, [1]));
  for (let i = 0; i < 5000; i++) {
    const kernel = defineKernel({
      name: 'test_constant',
      bindings: { output: 'read_write' },
      uniforms: {},
      wgsl: `output[0] = ${i}.0;`,
    });
    launch(dry, kernel, { buffers: { output: output.buffer }, uniforms: {}, workgroups: [1, 1, 1] });
  }
  expect(dry.stats.pipelines).toBeLessThanOrEqual(2048);
  expect(dry.stats.bindGroups).toBeLessThanOrEqual(4096);
});
