/** The package's shaders are functions made by the build. They give the same text as a checkout's templates. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Eta } from 'eta';
import { afterAll, describe, expect, test } from 'vitest';
import { recordDispatches } from '../../bench/timing.ts';
import { templateFunction, templatesModule } from '../../scripts/build/templates.mjs';
import { backward, conv2d, crossEntropy, maxPool2d, noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import type { AdapterTraits, Dispatch, Gpu } from '../../src/gpu/gpu.ts';
import { type Constants, kernels, renderKernel } from '../../src/kernels/kernel.ts';
import { fillTemplate } from '../../src/kernels/templates.ts';
import { resnet18 } from '../../src/models/index.ts';
import { SGD } from '../../src/optim/index.ts';
import { openDryGpu } from '../../src/plan/index.ts';
import { PLAIN_GPU } from '../support/resnet18.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-templates-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const source = templatesModule(fileURLToPath(new URL('../../shaders', import.meta.url)));
const file = join(scratch, 'templates.mjs');
writeFileSync(file, source);
const built = (await import(pathToFileURL(file).href)) as { fillTemplate: typeof fillTemplate };

/** Adapters that get different kernels. */
const ADAPTERS: readonly AdapterTraits[] = [
  { ...PLAIN_GPU, kind: 'cpu', subgroupSize: 8, shaderF16: true, description: 'llvmpipe' },
  { ...PLAIN_GPU, kind: 'cpu', subgroupSize: 4, description: 'SwiftShader' },
  { ...PLAIN_GPU, kind: 'cpu' },
  { ...PLAIN_GPU, subgroupSize: 32, vendor: 'nvidia' },
  PLAIN_GPU,
];

/** Batch size and image size. */
const SIZES = [
  [1, 97],
  [4, 224],
  [32, 224],
] as const;

/** The constants that each kernel in these dispatches was compiled with. They end a program's key. */
function constantsOf(dispatches: readonly Dispatch[]): [name: string, constants: Constants][] {
  const programs = new Map(dispatches.map(({ program }) => [program.key, program.name]));
  return [...programs].map(([key, name]) => [name, JSON.parse(key.slice(key.indexOf('{'))) as Constants]);
}

function expectEqual(found: readonly (readonly [name: string, constants: Constants])[]): void {
  for (const [name, constants] of found) {
    const kernel = kernels.find((one) => one.name === name)!;
    const values = { ...constants, ...kernel.derive?.(constants) };
    const expected = fillTemplate(kernel.shader, values);
    // No matcher here, because it would print thousands of lines.
    if (built.fillTemplate(kernel.shader, values) !== expected) {
      throw new Error(`${name} differs with ${JSON.stringify(constants)}`);
    }
  }
}

/** Records ResNet-18's steps: training all parameters, training the last layer only, and evaluation. */
function stepsOf(gpu: Gpu): Dispatch[] {
  const model = resnet18(gpu, { classes: 2, init: 'skip' });
  const optimizer = new SGD(model.parameters(), { lr: 0.001, momentum: 0.9 });
  const step = ([batch, size]: readonly [number, number]) =>
    recordDispatches(gpu, () => {
      scope(() => {
        const labels = Tensor.empty(gpu, [batch], 'u32');
        backward(crossEntropy(model.call(Tensor.empty(gpu, [batch, 3, size, size])), labels));
      });
      optimizer.step();
    });
  const evaluation = ([batch, size]: readonly [number, number]) =>
    recordDispatches(gpu, () => noGrad(() => model.call(Tensor.empty(gpu, [batch, 3, size, size]))));
  const dispatches = SIZES.flatMap(step);
  model.freeze();
  model.fc.freeze(false);
  dispatches.push(...SIZES.flatMap(step));
  model.eval();
  return [...dispatches, ...SIZES.flatMap(evaluation)];
}

/** Records a convolution, a max pooling after it and their gradients, with a shape drawn from a seed. */
function oddShapes(gpu: Gpu, seed: number): Dispatch[] {
  const [kernelHeight, kernelWidth] = [1 + (seed % 7), 1 + (Math.floor(seed / 7) % 7)];
  const stride = [1 + (seed % 3), 1 + (seed % 4)] as const;
  const pair = [kernelHeight, kernelWidth] as const;
  const shape = [1 + (seed % 3), 1 + (seed % 5), kernelHeight * 3 + (seed % 9), kernelWidth * 4 + (seed % 13)] as const;
  const images = Tensor.empty(gpu, shape);
  const weight = Tensor.empty(gpu, [1 + (seed % 40), shape[1], ...pair]);
  images.requiresGrad = true;
  weight.requiresGrad = true;
  return recordDispatches(gpu, () => {
    const padding = [kernelHeight >> 1, kernelWidth >> 1] as const;
    const convolved = conv2d(images, weight, undefined, { stride, padding });
    const pooled = maxPool2d(convolved, { kernelSize: [2, 3], stride: [stride[1], stride[0]], padding: [1, 1] });
    backward(pooled, Tensor.empty(gpu, pooled.shape));
  });
}

describe('the module that the build makes of shaders/', () => {
  test('gives the shader of every kernel of the engine, with the constants that tests use', () => {
    expect(kernels.length).toBeGreaterThan(40);
    expectEqual(kernels.map((kernel) => [kernel.name, kernel.example ?? {}]));
  });

  test.each(ADAPTERS.map((traits) => [`${traits.kind}, subgroups of ${traits.subgroupSize}`, traits] as const))(
    'gives the shaders of ResNet-18’s steps at batch 1, 4 and 32 and of odd shapes: %s',
    (_, traits) => {
      const gpu = openDryGpu(traits);
      const dispatches = [...stepsOf(gpu), ...Array.from({ length: 147 }, (__, seed) => oddShapes(gpu, seed)).flat()];
      const found = constantsOf(dispatches);
      expect(found.length).toBeGreaterThan(150);
      expectEqual(found);
    },
  );

  test('imports nothing and evaluates no text as code', () => {
    expect(source).not.toMatch(/\bimport\s*[({*'"]|\brequire\s*\(|\beval\s*\(|\bFunction\s*\(/);
  });

  test('names a shader that does not exist', () => {
    expect(() => built.fillTemplate('nothing.wgsl', {})).toThrow('There is no shader nothing.wgsl.');
    // A property of Object's prototype is no shader either.
    expect(() => built.fillTemplate('toString', {})).toThrow('There is no shader toString.');
  });

  test('refuses a folder without shaders', () => {
    expect(() => templatesModule(scratch)).toThrow('holds no shaders (*.wgsl).');
  });
});

describe('templateFunction gives the same text as Eta', () => {
  const eta = new Eta({ autoEscape: false, autoTrim: false, useWith: false, varName: 'k' });

  test.each([
    ['text only', 'a \'quoted\' "text" with `ticks`, a \\ and a \\n\n'],
    ['values', '<%= k.a %>,<%=k.b%> , <%= k.a + k.b %>, <%= undefined %>, <%= k.none %>'],
    [
      'loops and branches',
      '<% for (let i = 0; i < k.a; i++) { %>x<%= i %><% if (i % 2) { %>!\n<% } else { %>?<% } } %>',
    ],
    ['code with strings and comments that contain an end tag', "<%= '%>' + `%>` %> <% /* %> */ %>"],
    ['comments in code', '<% // one line\nconst b = k.a; %><%= b // two\n %>'],
    ['Windows line endings', 'a\r\nb <%= k.a %>\r\n'],
    ['text that is not escaped', "<%= '<&>' %><%~ '<&>' %>"],
  ])('%s', (_, template) => {
    const values = { a: 3, b: 'two' };
    const made = new Function(`return ${templateFunction(template)}`)() as (k: object) => string;
    expect(made(values)).toBe(eta.renderString(template, values));
  });
});

test('a checkout renders kernels without the blank lines that template code leaves', () => {
  const kernel = kernels.find(({ name }) => name === 'conv2d_rows')!;
  expect(renderKernel(kernel, kernel.example!)).not.toMatch(/\n\s*\n/);
});
