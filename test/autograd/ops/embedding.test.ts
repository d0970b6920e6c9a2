/** Embeddings: golden values, finite differences, planted errors; torch's initial weights, empty tensors, refusals. */

import { describe, expect } from 'vitest';
import {
  backward,
  crossEntropy,
  DTypeError,
  type EmbeddingOptions,
  embedding,
  flatten,
  OptionError,
  ShapeError,
  sizeOf,
  Tensor,
} from '../../../src/autograd/index.ts';
import { Embedding, Linear, Module, pipe } from '../../../src/nn/index.ts';
import { Generator } from '../../../src/random/mt19937.ts';
import { expectClose } from '../../support/compare.ts';
import { openAs, withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';
import { leaf, testFamily } from './family.ts';

const own = await withGpu({ poisoned: true });
const { gpuTest, gpu } = own;

const asIndex = (index: Tensor | undefined) => index as unknown as Tensor<'u32'>;
const indexOf = (shape: number[], rows: number, device = gpu) =>
  Tensor.from(
    device,
    Uint32Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7 + 3) % rows),
    shape,
  );

testFamily(own, {
  golden: 'embedding',
  runs: {
    embedding: ({ weight, index }, options) => embedding(asIndex(index), weight!, options as EmbeddingOptions),
  },
  // Copies, and sums of up to 250 gradients in runs.
  tolerances: { embedding: (_, result) => (result === 'output' ? { atol: 0, rtol: 0 } : { atol: 5e-6, rtol: 5e-7 }) },
  subjects: {
    embedding: {
      inputs: (device) => [leaf(device, [5, 3])],
      fn: (weight) => embedding(indexOf([2, 4], 5, weight.gpu), weight),
    },
  },
  planted: [
    ['the next row', 'embedding', 'output', { find: 'let picked = index[', replace: 'let picked = 1u + index[' }],
    ['the padding has a gradient', 'embedding', 'weightGrad', { find: 'v == params.without', replace: 'false' }],
    [
      'the last of equal indices is left out',
      'embedding',
      'weightGrad',
      { find: /let last = (.*);/, replace: 'let last = max($1, 1u) - 1u;' },
    ],
    ['a run is cut short', 'embedding', 'weightGrad', { find: 'p < end', replace: 'p + 1u < end || p == start' }],
  ],
});

describe('embedding', () => {
  gpuTest('of no indices is empty, and the gradient 0', async () => {
    const weight = leaf(gpu, [2, 4]);
    const output = embedding(indexOf([0, 3], 2), weight);
    expect(output.shape).toEqual([0, 3, 4]);
    backward(output, Tensor.zeros(gpu, [0, 3, 4]));
    expect(await weight.grad!.data()).toEqual(new Float32Array(8));
    expect(embedding(indexOf([2], 2), leaf(gpu, [2, 0])).shape).toEqual([2, 0]);
    expect(embedding(indexOf([0], 2), leaf(gpu, [0, 4])).shape).toEqual([0, 4]);
  });

  gpuTest('of an index beyond the rows is NaN, and its gradient goes nowhere', async () => {
    const weight = leaf(gpu, [2, 3]);
    const output = embedding(Tensor.from(gpu, Uint32Array.of(0, 2, 0xffffffff, 1)), weight);
    const rows = [...(await output.data())].map(Number.isNaN);
    expect(rows).toEqual([0, 1, 1, 0].flatMap((wrong) => Array.from({ length: 3 }, () => wrong === 1)));
    backward(output, Tensor.from(gpu, new Float32Array(12).fill(1), [4, 3]));
    expect(await weight.grad!.data()).toEqual(new Float32Array(6).fill(1));
  });

  gpuTest('adds in one order on every kind of adapter', async () => {
    const bits: Float32Array[] = [];
    for (const kind of ['cpu', 'gpu', 'cpu'] as const) {
      const device = await openAs({ kind });
      const weight = leaf(device, [3, 5]);
      const output = embedding(indexOf([1001], 3, device), weight);
      const grad = Float32Array.from({ length: output.size }, (_, i) => Math.sin(i));
      backward(output, Tensor.from(device, grad, output.shape));
      bits.push(await weight.grad!.data());
    }
    expect(bits[1]).toEqual(bits[0]);
    expect(bits[2]).toEqual(bits[0]);
  });

  gpuTest('refuses what does not fit', () => {
    const weight = leaf(gpu, [4, 3]);
    const index = indexOf([2], 4);
    const random = new Generator(0);
    const refused: [new (...args: never[]) => Error, string, () => unknown][] = [
      [ShapeError, 'embedding: weight must have shape [V, E], got [3].', () => embedding(index, leaf(gpu, [3]))],
      [DTypeError, 'embedding: index must hold u32 values, got f32.', () => embedding(untyped(weight), weight)],
      [
        OptionError,
        'embedding: paddingIdx must be a whole number from -4 to 3 for 4 rows, got 4.',
        () => embedding(index, weight, { paddingIdx: 4 }),
      ],
      [
        OptionError,
        'Embedding: paddingIdx must be a whole number from -4 to 3 for 4 rows, got -5.',
        () => new Embedding(gpu, 4, 3, { paddingIdx: -5, random }),
      ],
      [
        OptionError,
        'Embedding: embeddingDim must be a whole number of at least 1, got 0.',
        () => new Embedding(gpu, 4, 0, { random }),
      ],
      [
        OptionError,
        'Embedding: option maxNorm is not implemented.',
        () => new Embedding(gpu, 4, 3, untyped({ maxNorm: 1, random })),
      ],
    ];
    for (const [type, message, call] of refused) {
      expect(call).toThrow(type);
      expect(call).toThrow(message);
    }
  });
});

describe('Embedding', () => {
  /** torch 1.13's weights after `torch.manual_seed(0)`, and the next `torch.rand(1)`. The draws are equal. */
  const initial = [
    {
      ...{ rows: 2, width: 3, paddingIdx: 1, next: 0.022325754165649414 },
      weight: [1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0, 0, 0],
    },
    {
      ...{ rows: 6, width: 3, paddingIdx: -1, next: 0.15067976713180542 },
      weight: [
        -1.1258398294448853, -1.152360200881958, 0.5666506290435791, 0.7935083508491516, 0.5988394618034363,
        -1.5550950765609741, -0.3413603901863098, 1.85300612449646, 0.46809640526771545, -0.1577124446630478,
        -0.1733967512845993, 0.18347793817520142, 1.3893661499023438, 1.586334228515625, 0.946298360824585, 0, 0, 0,
      ],
    },
  ];

  for (const { rows, width, paddingIdx, next, weight } of initial) {
    gpuTest(`of ${rows} rows starts as in torch, or skips as many draws`, async () => {
      const random = new Generator(0);
      const module = new Embedding(gpu, rows, width, { paddingIdx, random });
      // torch's own builds differ by up to 2e-6.
      expectClose('weight', await module.weight.data(), weight, { atol: 2e-6, rtol: 2e-6 });
      expect(random.rand()).toBe(next);
      expect([...module.stateDict().keys()]).toEqual(['weight']);
      const skipping = new Generator(0);
      const skipped = new Embedding(gpu, rows, width, { random: skipping, init: 'skip' });
      expect(skipping.rand()).toBe(next);
      expect((await skipped.weight.data()).every((value) => value === 0)).toBe(true);
    });
  }

  gpuTest('learns at the start of a network', async () => {
    class Net extends Module<[index: Tensor<'u32'>]> {
      readonly table: Embedding;
      readonly head: Linear;

      constructor(random: Generator) {
        super();
        this.table = this.registerModule('table', new Embedding(gpu, 5, 4, { random, paddingIdx: 0 }));
        this.head = this.registerModule('head', new Linear(gpu, 12, 3, { random }));
      }

      override forward(index: Tensor<'u32'>): Tensor {
        return pipe(this.table.call(index), flatten, this.head);
      }
    }
    const model = new Net(new Generator(1));
    // The indices are 3, 0, 2, 4, 1, 3, and row 0 is the padding.
    backward(crossEntropy(model.call(indexOf([2, 3], 5)), indexOf([2], 3)));
    const grad = await model.table.weight.grad!.data();
    const learnt = Array.from({ length: 5 }, (_, row) => grad.slice(4 * row, 4 * row + 4).some((value) => value !== 0));
    expect(learnt).toEqual([false, true, true, true, true]);
  });
});
