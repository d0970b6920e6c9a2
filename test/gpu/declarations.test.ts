/** Every kernel's declaration matches its WGSL: bindings in order with their access, and the uniform block. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { expressionKernel, type Layout } from '../../src/kernels/elementwise/expression.ts';
import { type Constants, type Kernel, kernels, renderKernel } from '../../src/kernels/kernel.ts';

const kernelFolder = new URL('../../src/kernels/', import.meta.url);
for (const file of filesIn(kernelFolder, '.ts')) await import(new URL(file, kernelFolder).href);

/** Paths below a folder, as URLs have them. */
function filesIn(folder: URL, ending: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  return names.filter((name) => name.endsWith(ending)).sort();
}

/** WebGPU's default limit, which every device meets. */
const MAX_STORAGE_BUFFERS = 8;

/** The only kind of texture in use. */
const TEXTURE = 'texture_storage_2d<rgba32float>';

/** The differences between a declaration and a shader, one line each. */
function disagreements(kernel: Pick<Kernel, 'bindings' | 'uniforms'>, code: string): string[] {
  const wgsl = new WgslReflect(code);
  const problems: string[] = [];
  const declared = Object.entries(kernel.bindings).map(([name, access], i) => `${i} ${name} ${access}`);
  const found = wgsl.storage
    .sort((a, b) => a.binding - b.binding)
    .map(
      ({ binding, name, access, type }) =>
        `${binding} ${name} ${type.getTypeName() === TEXTURE ? `texture_${access}` : access}`,
    );
  if (declared.join() !== found.join()) problems.push(`bindings: declared ${declared}; in the shader ${found}`);
  if (declared.length > MAX_STORAGE_BUFFERS) problems.push(`more than ${MAX_STORAGE_BUFFERS} storage buffers`);

  const fields = Object.entries(kernel.uniforms).map(([name, type], i) => `${name}: ${type} at ${4 * i}`);
  const uniform = wgsl.uniforms[0];
  const members = (uniform?.members ?? []).map(({ name, type, offset }) => `${name}: ${type.name} at ${offset}`);
  if (fields.join() !== members.join()) problems.push(`uniforms: declared ${fields}; in the shader ${members}`);
  if (wgsl.uniforms.length > 1) problems.push(`${wgsl.uniforms.length} uniform blocks`);
  if (uniform && uniform.binding !== declared.length)
    problems.push('the uniform block does not come after the storage');
  if ([...wgsl.storage, ...wgsl.uniforms].some(({ group }) => group !== 0)) problems.push('a binding outside group 0');
  if (wgsl.entry.compute.length !== 1 || wgsl.entry.compute[0]!.name !== 'main') problems.push('no single entry main');
  return problems;
}

/** Constants that change more of a shader than the unrolling of its loops. */
const OTHERS: Record<string, Constants[]> = {
  convert: [{ toHalf: false }, { vector: false }],
  batch_norm_forward_half: [{ vector: false, relu: true }],
  winograd_input: [
    { tile: 2, vector: 2 },
    { tiles: 1, vector: 1 },
  ],
  winograd_weight: [{ tile: 2 }],
  winograd_product: [{ tile: 2, turned: true }, { columns: 2 }],
  winograd_product_texels: [{ tile: 2, turned: true }],
  winograd_grad_product: [{ tile: 2, columns: 2 }],
  winograd_stem: [
    { channels: 1, inVector: 1, inAlign: 0, outVector: 1 },
    { inVector: 2, inAlign: 1, outVector: 2 },
    { lanes: 4 },
  ],
  winograd_stem_weight: [{ channels: 1 }],
  winograd_output: [{ tile: 2, tiles: 1, vector: 2 }],
  winograd_output_grad: [{ tile: 2, vector: 2 }],
  winograd_weight_grad: [{ tile: 2 }],
  conv2d_rows: [
    { lanes: 0 },
    { inVector: 2, outVector: 1 },
    { tapStep: -2, inVector: 1, outVector: 1 },
    { taps: 1, loopTaps: true, inVector: 1, outVector: 1 },
    { lanes: 0, taps: 1, loopTaps: true, inVector: 1 },
  ],
  conv2d_tiled: [{ vector: false }],
  conv2d_tiled_half: [{ vector: false, sliced: true }],
  conv2d_tiled_weight_grad: [{ vector: false }],
  batch_norm_statistics: [{ subgroup: 64 }, { subgroup: 16 }],
  max_pool_forward: [
    { loops: true, columns: 1, inVector: 1, outVector: 1 },
    { inVector: 1, outVector: 2 },
    { loops: true, columns: 1, inVector: 1, outVector: 1, dilationWidth: 2 },
  ],
  max_pool_forward_half: [{ loops: true, columns: 1, inVector: 1, outVector: 1 }],
  max_pool_forward_argmax: [{ loops: true, columns: 1, inVector: 1, outVector: 1 }],
  max_pool_backward: [
    { loops: true, rows: 1, columns: 1, inVector: 1, outVector: 1 },
    { inVector: 2, outVector: 1 },
  ],
  average_pool_forward: [
    { loops: true, columns: 1, inVector: 1, outVector: 1, countPadding: false, divisor: 3 },
    { loops: true, columns: 1, inVector: 1, outVector: 1, adaptive: true },
    { inVector: 1, outVector: 2, countPadding: false },
  ],
  average_pool_backward: [
    { loops: true, rows: 1, columns: 1, inVector: 1, outVector: 1, countPadding: false, divisor: 3 },
    { loops: true, rows: 1, columns: 1, inVector: 1, outVector: 1, adaptive: true },
    { loops: false, rows: 1, columns: 1, inVector: 1, outVector: 1, adaptive: true },
    { inVector: 2, outVector: 1 },
  ],
  layer_norm_statistics: [{ single: true, vector: false }, { subgroup: 64 }],
  layer_norm_forward_weight_bias: [{ byValue: false, shared: false, periodic: false, vector: false }],
  layer_norm_sums_weight: [
    { single: true, vector: false },
    { subgroup: 64, shared: false, periodic: false },
  ],
  layer_norm_backward_input_weight: [{ byValue: false, shared: false, periodic: false, vector: false }],
  layer_norm_column_sums: [{ lanesY: 1, vector: false }],
  conv2d_rows_weight_grad: [
    { lanes: 0 },
    { roll: 2, strideWidth: 2, gradVector: 2 },
    { roll: 0, gradVector: 1, inVector: 1, inAlign: 0 },
    { lanes: 0, roll: 0 },
  ],
};

describe.each(kernels.map((kernel) => [kernel.name, kernel] as const))('%s', (_, kernel) => {
  for (const constants of [{}, ...(OTHERS[kernel.name] ?? [])]) {
    const others = Object.keys(constants).length > 0 ? ` of ${JSON.stringify(constants).replaceAll('"', '')}` : '';
    test(`agrees with its shader${others}`, () => {
      expect(disagreements(kernel, renderKernel(kernel, { ...kernel.example, ...constants }))).toEqual([]);
    });
  }
});

/** Its kernels are declared as ops need them. */
const EXPRESSION = 'elementwise/expression.wgsl';

describe('the kernel of an expression', () => {
  const expression = {
    ...{ name: 'chosen', wgsl: 'select(b, power(a, c), mask != 0u)', parameters: ['c'], result: 'f32' as const },
    operands: [
      { name: 'mask', type: 'u32' },
      { name: 'a', type: 'f32' },
      { name: 'b', type: 'f32' },
    ],
  } as const;
  test.each<Pick<Layout, 'modes' | 'rank' | 'vector'>>([
    { modes: ['each', 'each', 'each'], rank: 1, vector: true },
    { modes: ['one', 'each', 'number'], rank: 1, vector: false },
    { modes: ['each', 'number', 'one'], rank: 4, vector: true },
  ])('agrees with its shader of %o', (layout) => {
    const kernel = expressionKernel(expression, { ...layout, workgroup: 64, items: 2 });
    expect(disagreements(kernel, kernel.wgsl as string)).toEqual([]);
    expect((kernel.wgsl as string).trimStart()).toMatch(/^\/\/ \S/);
  });
});

describe('all declarations', () => {
  test('exist for every name in the table of other constants', () => {
    const names = kernels.map(({ name }) => name);
    expect(Object.keys(OTHERS).filter((name) => !names.includes(name))).toEqual([]);
  });

  test('have unique names', () => {
    expect(new Set(kernels.map(({ name }) => name)).size).toBe(kernels.length);
  });

  test('lie in folders with the same paths as those of their shaders', () => {
    const folders = (paths: Iterable<string>) =>
      new Set(Array.from(paths, (path) => path.split('/').slice(0, -1).join('/')));
    const shaders = folders(
      filesIn(new URL('../../shaders/', import.meta.url), '.wgsl').filter((name) => !/(^|\/)parts\//.test(name)),
    );
    expect(folders(filesIn(kernelFolder, '.ts'))).toEqual(shaders);
  });

  test('use every file in shaders/, and each has a header', () => {
    const used = new Set([EXPRESSION, ...kernels.map(({ shader }) => shader)]);
    const folder = new URL('../../shaders/', import.meta.url);
    const all = filesIn(folder, '.wgsl');
    const isPart = (name: string) => /(^|\/)parts\//.test(name);
    expect([...used].sort()).toEqual(all.filter((name) => !isPart(name)));
    const texts = all.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n');
    for (const part of all.filter(isPart)) expect(texts).toContain(`include('/${part}'`);
    for (const kernel of kernels) {
      // A failure prints this start only: some rendered shaders have thousands of lines.
      const start = renderKernel(kernel, kernel.example ?? {})
        .trimStart()
        .slice(0, 80);
      expect(start, kernel.shader).toMatch(/^\/\/ \S/);
    }
  });
});

describe('the comparison sees', () => {
  const kernel = kernels.find(({ name }) => name === 'max_pool_backward')!;
  const code = renderKernel(kernel, kernel.example!);

  test.each([
    ['a binding with a different name', code.replaceAll('outputGrad', 'gradient'), /^bindings: /],
    ['a different access', code.replace('read_write> inputGrad', 'read> inputGrad'), /^bindings: /],
    ['a different order', code.replace('binding(0)', 'binding(9)').replace('binding(1)', 'binding(0)'), /^bindings: /],
    ['a uniform with a different name', code.replace('planes: u32', 'images: u32'), /^uniforms: /],
    ['a uniform with a different type', code.replace('planes: u32', 'planes: f32'), /^uniforms: /],
    ['an extra uniform', code.replace('planes: u32', 'planes: u32, more: u32'), /^uniforms: /],
    ['reordered uniforms', code.replace('height: u32, width: u32', 'width: u32, height: u32'), /^uniforms: /],
  ])('%s', (_, changed, message) => {
    expect(disagreements(kernel, code)).toEqual([]);
    expect(disagreements(kernel, changed)).toEqual([expect.stringMatching(message)]);
  });
});
