/** State dicts against torchvision's, and loading: one error lists every mismatch, and nothing is partly loaded. */
import { describe, expect } from 'vitest';
import { Tensor } from '../../src/autograd/tensor.ts';
import { DawngradError } from '../../src/errors.ts';
import { resnet18, resnet34 } from '../../src/models/index.ts';
import { BatchNorm2d, type HostEntry, Linear, Module, ReLU, Sequential, StateDictError } from '../../src/nn/index.ts';
import { withGpu } from '../support/gpu.ts';
import { golden } from './support.ts';

const { gpuTest, gpu } = await withGpu();

const loaded = { init: 'skip' } as const;

describe('ResNets have torchvision’s state', () => {
  type Golden = Record<
    'resnet18' | 'resnet18 with 2 classes' | 'resnet34',
    { parameters: number; entries: [string, number[]][]; named_parameters: string[] }
  >;
  const expected = golden<Golden>('state-dicts');

  const networks = [
    ['resnet18', 11_689_512, () => resnet18(gpu, loaded)],
    ['resnet18 with 2 classes', 11_177_538, () => resnet18(gpu, { classes: 2, ...loaded })],
    ['resnet34', 21_797_672, () => resnet34(gpu, loaded)],
  ] as const;
  for (const [name, parameters, build] of networks)
    gpuTest(`${name}: names, shapes, order and ${parameters} parameters`, () => {
      const model = build();
      expect(Array.from(model.stateDict(), ([key, { shape }]) => [key, shape])).toEqual(expected[name].entries);
      expect(Array.from(model.namedParameters(), ([key]) => key)).toEqual(expected[name].named_parameters);
      const count = model.parameters().reduce((sum, { size }) => sum + size, 0);
      expect([count, expected[name].parameters]).toEqual([parameters, parameters]);
      model.dispose();
    });
});

/** Linear and batch norm: 0.weight, 0.bias, 2.weight, 2.bias, 2.running_mean, 2.running_var, 2.num_batches_tracked. */
const build = () => new Sequential(new Linear(gpu, 3, 2, loaded), new ReLU(), new BatchNorm2d(gpu, 2));

function entry(shape: number[], first: number): HostEntry {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { shape, data: Float32Array.from({ length: size }, (_, i) => first + i) };
}

const complete = () =>
  new Map([
    ['0.weight', entry([2, 3], 10)],
    ['0.bias', entry([2], 20)],
    ['2.weight', entry([2], 30)],
    ['2.bias', entry([2], 40)],
    ['2.running_mean', entry([2], 50)],
    ['2.running_var', entry([2], 60)],
    ['2.num_batches_tracked', entry([], 70)],
  ]);

function errorOf(run: () => unknown): StateDictError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(StateDictError);
    return error as StateDictError;
  }
  throw new Error('nothing was thrown');
}

describe('loading and exporting', () => {
  gpuTest('the exported state equals the loaded one, with dtypes, and loading raises versions', async () => {
    const model = build();
    const versions = model.parameters().map(({ storage }) => storage.version);
    expect(model.loadStateDict(complete())).toEqual({ missing: [], unexpected: [] });
    expect(model.parameters().map(({ storage }) => storage.version)).toEqual(versions.map((version) => version + 1));
    const exported = await model.exportState();
    const expected = Array.from(complete(), ([name, value]) => {
      return [name, { ...value, dtype: name.endsWith('tracked') ? 'I64' : 'F32' }];
    });
    expect([...exported]).toEqual(expected);
    model.dispose();
  });

  gpuTest('the exported state is the one at the time of the call', async () => {
    const model = new Linear(gpu, 1, 1, { bias: false, ...loaded });
    model.weight.set(Float32Array.of(1));
    const promise = model.exportState();
    model.weight.set(Float32Array.of(2));
    expect([...(await promise).get('weight')!.data]).toEqual([1]);
    model.dispose();
  });

  gpuTest('values in shared memory can be loaded', async () => {
    const model = new Linear(gpu, 2, 1, { bias: false, ...loaded });
    const data = new Float32Array(new SharedArrayBuffer(8));
    data.set([3, 4]);
    model.loadStateDict(new Map([['weight', { shape: [1, 2], data }]]));
    expect([...(await model.weight.data())]).toEqual([3, 4]);
    model.dispose();
  });

  gpuTest('a missing counter is no error and starts at 0', () => {
    const model = build();
    const norm = model.children.get('2') as BatchNorm2d;
    norm.batchesTracked.value = 5;
    const entries = complete();
    entries.delete('2.num_batches_tracked');
    model.loadStateDict(entries);
    expect(norm.batchesTracked.value).toBe(0);
    model.dispose();
  });

  gpuTest('one error lists every mismatch, and nothing was loaded', async () => {
    const model = build();
    const entries = complete();
    entries.delete('0.bias');
    entries.delete('2.running_var');
    entries.set('head.weight', entry([4, 2], 0));
    entries.set('0.weight', entry([3, 3], 0));
    entries.set('2.num_batches_tracked', entry([1], 0));
    const error = errorOf(() => model.loadStateDict(entries));
    expect(error).toBeInstanceOf(DawngradError);
    expect(error.missing).toEqual(['0.bias', '2.running_var']);
    expect(error.unexpected).toEqual(['head.weight']);
    expect(error.mismatched).toEqual([
      { name: '0.weight', expected: [2, 3], found: [3, 3] },
      { name: '2.num_batches_tracked', expected: [], found: [1] },
    ]);
    expect(error.message.split('\n').map((line) => line.trim())).toEqual([
      expect.stringMatching(/nothing was loaded. 2 entries are missing, 1 unexpected, 2 of the wrong shape:$/),
      'missing: 0.bias [2]',
      'missing: 2.running_var [2]',
      'unexpected: head.weight [4, 2]',
      'wrong shape: 0.weight: expected [2, 3], found [3, 3]',
      'wrong shape: 2.num_batches_tracked: expected [], found [1]',
      expect.stringContaining('ignore'),
    ]);
    expect([...(await model.exportState()).get('2.weight')!.data]).toEqual([1, 1]);
    model.dispose();
  });

  gpuTest('a message shows the first names, printable, and how many more there are', () => {
    const model = build();
    const entries = complete();
    for (let i = 0; i < 50_000; i++) entries.set(`more\u001b[2J${i}`, entry([1], 0));
    const error = errorOf(() => model.loadStateDict(entries));
    expect(error.unexpected).toHaveLength(50_000);
    expect(error.message).toMatch(/^[\x20-\x7e\n]*$/);
    const lines = error.message.split('\n');
    expect(lines).toHaveLength(23);
    expect(lines[1]).toBe('  unexpected: more\\u001b[2J0 [1]');
    expect(lines[21]).toBe('  and 49,980 more');
    model.dispose();
  });

  gpuTest('a single missing or unexpected entry is an error', () => {
    const model = build();
    const entries = complete();
    entries.delete('2.bias');
    expect(errorOf(() => model.loadStateDict(entries)).missing).toEqual(['2.bias']);
    const more = complete().set('more', entry([1], 0));
    expect(errorOf(() => model.loadStateDict(more)).unexpected).toEqual(['more']);
    model.dispose();
  });

  gpuTest('ignored prefixes are skipped in the module and in the entries', async () => {
    const model = build();
    const entries = complete();
    entries.set('0.weight', entry([9, 9], 0));
    entries.set('0.extra', entry([1], 0));
    entries.delete('0.bias');
    expect(model.loadStateDict(entries, { ignore: ['0.'] })).toEqual({ missing: [], unexpected: [] });
    const exported = await model.exportState();
    expect([...exported.get('0.bias')!.data]).toEqual([0, 0]);
    expect([...exported.get('2.bias')!.data]).toEqual([40, 41]);
    model.dispose();
  });

  gpuTest('without strict, missing and unexpected entries are returned; a wrong shape is still an error', async () => {
    const model = build();
    const entries = complete();
    entries.delete('2.bias');
    entries.set('more', entry([1], 0));
    expect(model.loadStateDict(entries, { strict: false })).toEqual({ missing: ['2.bias'], unexpected: ['more'] });
    expect([...(await model.exportState()).get('0.bias')!.data]).toEqual([20, 21]);
    entries.set('0.bias', entry([3], 0));
    const error = errorOf(() => model.loadStateDict(entries, { strict: false }));
    expect([error.missing, error.unexpected, error.mismatched.length]).toEqual([[], [], 1]);
    model.dispose();
  });

  gpuTest('an entry whose shape and data disagree is refused before anything is loaded', async () => {
    const model = build();
    const entries = complete();
    entries.set('2.bias', { shape: [2], data: new Float32Array(3) });
    expect(() => model.loadStateDict(entries)).toThrow('2.bias of shape [2] needs 2 values, got 3.');
    expect([...(await model.exportState()).get('0.bias')!.data]).toEqual([0, 0]);
    model.dispose();
  });

  gpuTest('a module saves the parameters that it registers', async () => {
    class Scale extends Module {
      readonly scale = this.registerParameter('scale', Tensor.from(gpu, Float32Array.of(3), [1]));
      override forward(input: Tensor): Tensor {
        return input;
      }
    }
    const module = new Scale();
    expect([...(await module.exportState())]).toEqual([
      ['scale', { shape: [1], data: Float32Array.of(3), dtype: 'F32' }],
    ]);
    module.dispose();
  });
});
