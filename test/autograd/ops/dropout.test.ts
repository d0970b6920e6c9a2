/**
 * Dropout: its random function against published answers, its mask against that function in plain numbers, the
 * gradient, what it draws, and a run that is resumed. torch draws other masks, so there are no golden values.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  backward,
  checkGradients,
  crossEntropy,
  DTypeError,
  dropout,
  type OptionError,
  scope,
  Tensor,
} from '../../../src/autograd/index.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import { defineKernel, launch } from '../../../src/kernels/kernel.ts';
import { renderShader } from '../../../src/kernels/source.ts';
import { Dropout, Linear, Sequential } from '../../../src/nn/index.ts';
import { SGD } from '../../../src/optim/index.ts';
import { Generator } from '../../../src/random/mt19937.ts';
import { loadTraining, saveTraining } from '../../../src/train/index.ts';
import { openAs, openTampered, type ShaderEdit, withGpu } from '../../support/gpu.ts';
import { KNOWN_ANSWERS, philox } from '../../support/philox.ts';
import { findsWrongGradients } from '../../support/planted.ts';
import { untyped } from '../../support/untyped.ts';
import { awayFromZero, leaf } from './family.ts';

const { gpuTest, gpu } = await withGpu({ poisoned: true });

const KEY = [0x12345678, 0x9abcdef0] as const;
/** A source that gives the same key to each call. */
function sameKey() {
  let drawn = 0;
  return { u32: () => KEY[drawn++ % 2]! };
}

/** What `dropout` must give for this key, in float32. */
function expectedOf(values: Float32Array, p: number): Float32Array {
  const scale = Math.fround(1 / (1 - p));
  const words = Array.from({ length: Math.ceil(values.length / 4) }, (_, counter) => philox([counter, 0, 0, 0], KEY));
  return values.map((value, i) => value * (words[i >> 2]![i % 4]! < Math.round(p * 2 ** 32) ? 0 : scale));
}

describe('the random function', () => {
  const kernel = defineKernel({
    name: 'philox_answers',
    bindings: { given: 'read', output: 'read_write' },
    uniforms: { count: 'u32' },
    wgsl: `
      struct Params { count: u32 }
      @group(0) @binding(0) var<storage, read> given: array<u32>;
      @group(0) @binding(1) var<storage, read_write> output: array<vec4<u32>>;
      @group(0) @binding(2) var<uniform> params: Params;
      ${renderShader('dropout/parts/philox.wgsl', {})}
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
        if (id.x >= params.count) { return; }
        let at = 6u * id.x;
        let counter = vec4<u32>(given[at], given[at + 1u], given[at + 2u], given[at + 3u]);
        output[id.x] = philox(counter, vec2<u32>(given[at + 4u], given[at + 5u]));
      }`,
  });

  /** Counters and keys of which nothing is known, after the known ones. */
  const random = new Generator(1);
  const inputs = [
    ...KNOWN_ANSWERS.map(([counter, key]) => [...counter, ...key]),
    ...Array.from({ length: 100 }, () => Array.from({ length: 6 }, () => random.u32())),
  ];
  const expected = inputs.flatMap(([a, b, c, d, k0, k1]) => philox([a!, b!, c!, d!], [k0!, k1!]));

  async function answers(device: Gpu): Promise<number[]> {
    const given = Tensor.from(device, Uint32Array.from(inputs.flat()));
    const output = Tensor.empty(device, [inputs.length, 4], 'u32');
    const buffers = { given: given.buffer, output: output.buffer };
    launch(device, kernel, { buffers, uniforms: { count: inputs.length }, workgroups: [2, 1, 1] });
    return [...(await output.data())];
  }

  test.each(KNOWN_ANSWERS)('in plain numbers gives the known answer for %o', (counter, key, answer) => {
    expect(philox(counter, key)).toEqual(answer);
  });

  gpuTest('in a shader gives the same', async () => {
    expect(await answers(gpu)).toEqual(expected);
  });

  gpuTest('with a carry left out does not', async () => {
    expect(await answers(await openTampered({ find: ' + (middle >> 16u)', replace: '' }))).not.toEqual(expected);
  });
});

describe('dropout', () => {
  for (const kind of ['cpu', 'gpu'] as const) {
    for (const [count, p] of [
      [1, 0.5],
      [7, 0.5],
      [1024, 0.1],
      [5003, 0.9],
      [20_000, 0.3],
    ] as const) {
      gpuTest(
        `of ${count} values with p = ${p} has the mask of its key, as on a ${kind.toUpperCase()} adapter`,
        async () => {
          const device = await openAs({ kind });
          const input = leaf(device, [count]);
          const output = dropout(input, { p, random: sameKey() });
          expect(await output.data()).toEqual(expectedOf(await input.data(), p));
          const grad = Float32Array.from({ length: count }, (_, i) => Math.sin(i));
          backward(output, Tensor.from(device, grad));
          expect(await input.grad!.data()).toEqual(expectedOf(grad, p));
        },
      );
    }
  }

  gpuTest('drops a share of p, and keeps the mean', async () => {
    const count = 1_000_000;
    for (const p of [0.1, 0.5, 0.8]) {
      const ones = Tensor.from(gpu, new Float32Array(count).fill(1));
      const values = await dropout(ones, { p, random: new Generator(3) }).data();
      const kept = values.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0);
      // Four standard deviations.
      expect(Math.abs(kept / count - (1 - p))).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / count));
      expect(Math.abs((kept * values.find((value) => value !== 0)!) / count - 1)).toBeLessThan(0.01);
    }
  });

  gpuTest('draws two words each time, and so another mask', async () => {
    const random = new Generator(5);
    const ones = Tensor.from(gpu, new Float32Array(4000).fill(1));
    const first = await dropout(ones, { random }).data();
    expect(random.drawn).toBe(2);
    const second = await dropout(ones, { random }).data();
    expect(random.drawn).toBe(4);
    // Half of a half, twice.
    const equal = first.reduce((sum, value, i) => sum + (value === second[i] ? 1 : 0), 0);
    expect(Math.abs(equal - 2000)).toBeLessThan(150);
    expect(await dropout(ones, { random: new Generator(5) }).data()).toEqual(first);
  });

  gpuTest('draws nothing and changes nothing in evaluation, for p = 0 and for no values', async () => {
    const random = new Generator(5);
    const input = leaf(gpu, [3, 5]);
    for (const options of [{ training: false }, { training: false, p: 1 }, { p: 0, random }]) {
      const output = dropout(input, options);
      expect(await output.data()).toEqual(await input.data());
      const grad = Tensor.from(gpu, new Float32Array(15).fill(2), [3, 5]);
      backward(output, grad);
      expect(await input.grad!.data()).toEqual(await grad.data());
      input.zeroGrad();
    }
    expect(dropout(leaf(gpu, [3, 0]), { random }).shape).toEqual([3, 0]);
    expect(random.drawn).toBe(0);
  });

  gpuTest('with p = 1 is 0, and so is the gradient', async () => {
    const random = new Generator(5);
    const input = leaf(gpu, [3, 5]);
    const output = dropout(input, { p: 1, random });
    expect((await output.data()).every((value) => value === 0)).toBe(true);
    backward(output, Tensor.from(gpu, new Float32Array(15).fill(2), [3, 5]));
    expect((await input.grad!.data()).every((value) => value === 0)).toBe(true);
    expect(random.drawn).toBe(0);
  });

  gpuTest('agrees with finite differences', async () => {
    const report = await checkGradients((input) => dropout(input, { random: sameKey() }), [leaf(gpu, [3, 7])]);
    expect(report.worst).toBeLessThan(5e-3);
  });
  findsWrongGradients(gpuTest, async () => ({
    leaves: [leaf(gpu, [3, 7], awayFromZero)],
    fn: (input: Tensor) => dropout(input, { random: sameKey() }),
  }));

  const planted: [what: string, edit: ShaderEdit][] = [
    ['one word for four elements', { find: 'factors[j]', replace: 'factors[0]' }],
    ['the mask is turned round', { find: 'words < vec4', replace: 'words >= vec4' }],
    ['the rest is not scaled', { find: 'vec4<f32>(params.scale)', replace: 'vec4<f32>(1.0)' }],
    ['half of the key', { find: 'params.key1)', replace: 'params.key0)' }],
    ['nine rounds', { find: 'ROUNDS = 10u', replace: 'ROUNDS = 9u' }],
  ];
  for (const [what, edit] of planted) {
    gpuTest(`sees a wrong mask: ${what}`, async () => {
      const device = await openTampered(edit);
      const input = leaf(device, [4003]);
      const output = await dropout(input, { p: 0.3, random: sameKey() }).data();
      expect(output).not.toEqual(expectedOf(await input.data(), 0.3));
    });
  }

  gpuTest('refuses what does not fit', () => {
    const random = new Generator(0);
    const input = leaf(gpu, [3]);
    const refused: [string, () => unknown][] = [
      ['dropout: p must be a number from 0 to 1, got 1.5.', () => dropout(input, { p: 1.5, random })],
      ['dropout: p must be a number from 0 to 1, got NaN.', () => dropout(input, { p: Number.NaN, random })],
      ['dropout: training must be true or false, got 1.', () => dropout(input, untyped({ training: 1, random }))],
      ['dropout: random must be a source of random numbers in training', () => dropout(input, {})],
      ['dropout: option inplace is not implemented.', () => dropout(input, untyped({ inplace: true, random }))],
      ['Dropout: random must be a source of random numbers in training', () => new Dropout(untyped({ p: 0.1 }))],
      ['Dropout: option training is not implemented.', () => new Dropout(untyped({ training: false, random }))],
    ];
    for (const [message, call] of refused) {
      expect(call).toThrow(expect.objectContaining({ name: 'OptionError' satisfies OptionError['name'] }));
      expect(call).toThrow(message);
    }
    expect(() => dropout(Tensor.from(gpu, Uint32Array.of(1)) as never, { random })).toThrow(DTypeError);
  });
});

describe('a network with dropout', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-dropout-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function makeParts(seed: number) {
    const generator = new Generator(seed);
    const model = new Sequential(
      new Linear(gpu, 6, 16, { random: generator }),
      new Dropout({ p: 0.4, random: generator }),
      new Linear(gpu, 16, 3, { random: generator }),
    );
    return { model, optimizer: new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 }), generator };
  }

  const input = () =>
    Tensor.from(
      gpu,
      Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      [4, 6],
    );

  function train({ model, optimizer }: ReturnType<typeof makeParts>, steps: number): void {
    for (let step = 0; step < steps; step++) {
      scope(() => {
        backward(crossEntropy(model.call(input()), Tensor.from(gpu, Uint32Array.of(0, 1, 2, 1))));
        optimizer.step();
        optimizer.zeroGrad();
      });
    }
  }

  gpuTest('goes on to the same bits from a file', async () => {
    const whole = makeParts(1);
    train(whole, 5);
    const first = makeParts(1);
    train(first, 3);
    const path = join(folder, 'state.safetensors');
    await saveTraining(path, first);
    const other = makeParts(2);
    loadTraining(path, other);
    train(other, 2);
    expect(await other.model.exportState()).toEqual(await whole.model.exportState());
    // Without the generator's place the masks are others.
    const astray = makeParts(1);
    train(astray, 3);
    astray.generator.seed(9);
    train(astray, 2);
    expect(await astray.model.exportState()).not.toEqual(await whole.model.exportState());
  });

  gpuTest('gives one output in evaluation mode, and several in training', async () => {
    const { model } = makeParts(1);
    const run = () => model.call(input()).data();
    expect(await run()).not.toEqual(await run());
    model.eval();
    expect(await run()).toEqual(await run());
  });
});
