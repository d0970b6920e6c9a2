/** Kernels with inline WGSL, which users of the library declare and launch. */
import { describe, expect, test } from 'vitest';
import { checkGradients, openGpu, record, Tensor } from '../../src/index.ts';
import { defineKernel, kernels, launch } from '../../src/kernels/kernel.ts';
import { expectClose } from '../support/compare.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest, gpu } = await withGpu();

/** y = softmax(x) over the last dimension; one invocation a row. Backward: xGrad = y · (yGrad − Σ yGrad·y). */
const HEAD = `
struct Params { rows: u32, columns: u32 }
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= params.rows) { return; }
  let first = id.x * params.columns;
  let end = first + params.columns;
  var sum = 0.0;`;

const forward = defineKernel({
  name: 'test_softmax',
  bindings: { x: 'read', y: 'read_write' },
  uniforms: { rows: 'u32', columns: 'u32' },
  wgsl: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
${HEAD}
  for (var i = first; i < end; i++) { sum += exp(x[i]); }
  for (var i = first; i < end; i++) { y[i] = exp(x[i]) / sum; }
}`,
});

const backward = defineKernel({
  name: 'test_softmax_backward',
  bindings: { y: 'read', yGrad: 'read', xGrad: 'read_write' },
  uniforms: { rows: 'u32', columns: 'u32' },
  wgsl: `
@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> yGrad: array<f32>;
@group(0) @binding(2) var<storage, read_write> xGrad: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;
${HEAD}
  for (var i = first; i < end; i++) { sum += yGrad[i] * y[i]; }
  for (var i = first; i < end; i++) { xGrad[i] = y[i] * (yGrad[i] - sum); }
}`,
});

function softmax(x: Tensor): Tensor {
  const [rows, columns] = x.shape as [number, number];
  const uniforms = { rows, columns };
  const workgroups = [Math.ceil(rows / 64), 1, 1] as const;
  const y = Tensor.empty(gpu, x.shape);
  launch(gpu, forward, { buffers: { x: x.buffer, y: y.buffer }, uniforms, workgroups });
  return record({
    name: 'softmax',
    inputs: [x],
    output: y,
    saved: [y],
    backward: (yGrad) => {
      const xGrad = Tensor.empty(gpu, x.shape);
      const buffers = { y: y.buffer, yGrad: yGrad.buffer, xGrad: xGrad.buffer };
      launch(gpu, backward, { buffers, uniforms, workgroups });
      return [xGrad];
    },
  });
}

describe('an op of inline kernels', () => {
  const values = Float32Array.from({ length: 130 * 5 }, (_, i) => Math.sin(i) * 2);

  gpuTest('computes its WGSL', async () => {
    const x = Tensor.from(gpu, values, [130, 5]);
    const expected = Array.from({ length: 130 }, (_, row) => {
      const e = Array.from(values.subarray(row * 5, row * 5 + 5), Math.exp);
      const sum = e.reduce((a, b) => a + b);
      return e.map((value) => value / sum);
    }).flat();
    // WGSL allows exp 3 + 2·|x| ulps; the quotient of two is off by a little more.
    expectClose('softmax', await softmax(x).data(), expected, { atol: 0, rtol: 2e-6 });
  });

  gpuTest('has a gradient that agrees with finite differences', async () => {
    const x = Tensor.from(gpu, values.slice(0, 15), [3, 5]);
    x.requiresGrad = true;
    expect((await checkGradients(softmax, [x])).worst).toBeLessThan(5e-3);
  });
});

describe('constants', () => {
  const declaration = { name: 'test_constants', bindings: { output: 'read_write' }, uniforms: {} } as const;
  const shader = (statements: string) => `@group(0) @binding(0) var<storage, read_write> output: array<f32>;
    @compute @workgroup_size(1) fn main() { ${statements} }`;
  const unrolled = defineKernel({
    ...declaration,
    wgsl: ({ count, value }: { count: number; value: number }) =>
      shader(Array.from({ length: count }, (_, i) => `output[${i}] = ${value};`).join(' ')),
  });
  const once = (output: Tensor) =>
    ({ buffers: { output: output.buffer }, uniforms: {}, workgroups: [1, 1, 1] }) as const;
  const run = (constants: { count: number; value: number }) => {
    const output = Tensor.zeros(gpu, [3]);
    launch(gpu, unrolled, { ...once(output), constants });
    return output.data();
  };

  gpuTest('are passed to the shader’s function, once for each set of values', async () => {
    expect([...(await run({ count: 2, value: 1.5 }))]).toEqual([1.5, 1.5, 0]);
    expect([...(await run({ count: 3, value: 2.5 }))]).toEqual([2.5, 2.5, 2.5]);
    expect([...(await run({ count: 2, value: 1.5 }))]).toEqual([1.5, 1.5, 0]);
  });

  gpuTest('two functions with the same name and text that close over different values are two kernels', async () => {
    const kernel = (value: number) => defineKernel({ ...declaration, wgsl: () => shader(`output[0] = ${value};`) });
    const results: number[] = [];
    for (const value of [1.5, 2.5]) {
      const output = Tensor.zeros(gpu, [1]);
      launch(gpu, kernel(value), { ...once(output), constants: {} });
      results.push(await output.item());
    }
    expect(results).toEqual([1.5, 2.5]);
  });

  gpuTest('do not apply to a string, which is taken literally even if it looks like a template', async () => {
    const output = Tensor.zeros(gpu, [1]);
    const wgsl = shader('/* <% throw new Error("code in a string was run"); %> */ output[0] = 3.0;');
    launch(gpu, defineKernel({ ...declaration, wgsl }), once(output));
    expect(await output.item()).toBe(3);
  });

  gpuTest('have the types of the function’s parameters', () => {
    const output = Tensor.zeros(gpu, [3]);
    // @ts-expect-error: value is missing
    launch(gpu, unrolled, { ...once(output), constants: { count: 0 } });
    // @ts-expect-error: count is a number
    launch(gpu, unrolled, { ...once(output), constants: { count: true, value: 1 } });
  });

  gpuTest('throw an error if given for a string, or missing for a function', () => {
    const output = Tensor.zeros(gpu, [1]);
    const string = defineKernel({ ...declaration, wgsl: shader('') });
    expect(() => launch(gpu, string, { ...once(output), constants: { count: 2 } })).toThrow(
      'test_constants: its wgsl is a string, which the constants {"count":2} cannot change.',
    );
    expect(() => launch(gpu, unrolled, once(output))).toThrow(
      'test_constants: its wgsl is a function of constants, but it was launched without any.',
    );
  });
});

gpuTest('two kernels with the same name are two kernels', async () => {
  const kernel = (value: string) =>
    defineKernel({
      name: 'test_same_name',
      bindings: { output: 'read_write' },
      uniforms: {},
      wgsl: `@group(0) @binding(0) var<storage, read_write> output: array<f32>;
        @compute @workgroup_size(1) fn main() { output[0] = ${value}; }`,
    });
  const results: number[] = [];
  for (const value of ['1.0', '2.0']) {
    const output = Tensor.zeros(gpu, []);
    launch(gpu, kernel(value), { buffers: { output: output.buffer }, uniforms: {}, workgroups: [1, 1, 1] });
    results.push(await output.item());
  }
  expect(results).toEqual([1, 2]);
});

describe('a mistake', () => {
  const oneBuffer = { name: 'test_mistake', bindings: { output: 'read_write' }, uniforms: {} } as const;
  const declared = '@group(0) @binding(0) var<storage, read_write> output: array<f32>;';

  for (const [what, wgsl, message] of [
    [
      'in the WGSL',
      `${declared} @compute @workgroup_size(1) fn main() { output[0] = nothing; }`,
      /unresolved value 'nothing'/,
    ],
    [
      'in the declaration',
      `${declared.replace('read_write', 'read')} @compute @workgroup_size(1) fn main() { _ = output[0]; }`,
      /test_mistake/,
    ],
  ] as const) {
    gpuTest(`${what} throws when the program waits for results`, async () => {
      const own = await openGpu();
      try {
        const output = Tensor.zeros(own, []);
        launch(own, defineKernel({ ...oneBuffer, wgsl }), {
          buffers: { output: output.buffer },
          uniforms: {},
          workgroups: [1, 1, 1],
        });
        await expect(output.data()).rejects.toThrow(message);
      } finally {
        own.close();
      }
    });
  }

  gpuTest('of leaving out a buffer throws an error that names it', () => {
    const kernel = defineKernel({ ...oneBuffer, wgsl: '' });
    const run = { buffers: {} as { output: never }, uniforms: {}, workgroups: [1, 1, 1] as const };
    expect(() => launch(gpu, kernel, run)).toThrow('test_mistake: binding output needs a buffer, got undefined.');
  });
});

test('inline kernels are not registered among the kernels with a shader file', () => {
  expect(kernels.filter(({ name }) => name.startsWith('test_'))).toEqual([]);
});
