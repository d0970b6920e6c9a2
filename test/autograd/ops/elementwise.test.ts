/**
 * The elementwise ops. What is tested follows from the table and from the golden cases of each row: their values on both
 * kinds of adapters, finite differences where a case is called smooth, a planted error in every result and gradient.
 */
import { describe, expect, test } from 'vitest';
import { backward, checkGradients, OptionError, Tensor } from '../../../src/autograd/index.ts';
import * as table from '../../../src/autograd/ops/elementwise.ts';
import type { Tolerance } from '../../support/compare.ts';
import { EXACT } from '../../support/compare.ts';
import { withGpu } from '../../support/gpu.ts';
import { untyped } from '../../support/untyped.ts';
import { leaf, type Subject, testFamily } from './family.ts';
import { type Case, load, type Run } from './golden.ts';

const device = await withGpu({ poisoned: true });
const { gpuTest, gpu } = device;

const ops = table as unknown as Readonly<Record<string, (...values: unknown[]) => Tensor>>;
const names = Object.keys(ops);
const cases = load('elementwise');

/** The operands of a case in the order of the op's, then its other options. A number may stand in for an operand. */
const ORDER = ['condition', 'x', 'a', 'b'];
const valuesOf = (inputs: object, options: object): unknown[] => {
  const { min, max, ...rest } = { ...inputs, ...options } as Record<string, unknown>;
  const operands = ORDER.filter((name) => name in rest).map((name) => rest[name]);
  const others = Object.keys(rest).filter((name) => !ORDER.includes(name));
  return [...operands, ...others.map((name) => rest[name]), ...((min ?? max) !== undefined ? [min, max] : [])];
};
const runs = Object.fromEntries(
  names.map((name): [string, Run] => [name, (inputs, options) => ops[name]!(...valuesOf(inputs, options))]),
);

/** Ops that choose and copy values, or compare them. */
const EXACT_OPS = [
  'neg',
  'abs',
  'relu',
  'relu6',
  'maximum',
  'minimum',
  'clamp',
  'where',
  'eq',
  'ne',
  'gt',
  'ge',
  'lt',
  'le',
];

/**
 * WGSL allows exp(x) 3 + 2|x| ulps, which are 9 at x = 3 and 15 at x = 6, and quotients 2.5; an ulp is at most 1.2e-7 of
 * a value. Sums over broadcast dimensions have up to 60 terms around 1. A number below 1.2e-38 may become 0.
 */
const TOLERANCE: Tolerance = { atol: 2e-6, rtol: 3e-6 };

/** Finite differences on smooth cases: the last of the op's with all its gradients, large and broadcast. */
function subjectOf(name: string): [string, Subject] | undefined {
  const smooth = cases.filter((one) => one.op === name && one.name === 'smooth' && one.seed && sizeOf(one) > 1);
  const one = smooth
    .filter(({ inputs }) => Object.values(inputs).length === Object.keys(smooth[0]!.inputs).length)
    .at(-1);
  if (!one) return undefined;
  const entries = Object.entries(one.inputs);
  const learnt = entries.filter(([, { grad }]) => grad);
  const fn = (...leaves: Tensor[]) => {
    const given = entries.map(([key, { values, shape }]) => {
      const index = learnt.findIndex(([name]) => name === key);
      return [key, index >= 0 ? leaves[index] : Tensor.from(gpu, values, shape)] as const;
    });
    return runs[name]!(Object.fromEntries(given) as Record<string, Tensor>, one.options);
  };
  const inputs = () => learnt.map(([, { shape, values }]) => leaf(gpu, shape, (_, i) => values[i]!));
  return [name, { inputs, fn }];
}
const sizeOf = ({ inputs }: Case) => Math.max(...Object.values(inputs).map(({ values }) => values.length));

test('every row has golden cases', () => {
  expect(names.filter((name) => !cases.some(({ op }) => op === name))).toEqual([]);
});

testFamily(device, {
  golden: 'elementwise',
  runs,
  tolerances: Object.fromEntries(
    names.map((name) => [
      name,
      (_: Case, result: string) => (EXACT_OPS.includes(name) && result === 'output' ? EXACT : TOLERANCE),
    ]),
  ),
  subjects: Object.fromEntries(names.map(subjectOf).filter((subject) => subject !== undefined)),
  planted: names.map((name) => [
    'the expression is changed',
    name,
    'output',
    name in { eq: 0, ne: 0, gt: 0, ge: 0, lt: 0, le: 0 }
      ? { find: /return ([^;]*);\n\}\n@compute/, replace: 'return !($1);\n}\n@compute' }
      : { find: /return ([^;]*);\n\}\n@compute/, replace: 'return 1.02 * ($1);\n}\n@compute' },
  ]),
});

describe('elementwise ops', () => {
  gpuTest('are methods of tensors', async () => {
    const x = Tensor.from(gpu, [-2, 1, 3]);
    expect(await x.mul(x).add(1).relu().data()).toEqual(Float32Array.of(5, 2, 10));
    expect(await x.where(x.gt(0), 0).data()).toEqual(Float32Array.of(0, 1, 3));
    expect(await x.clamp(undefined, 2).data()).toEqual(Float32Array.of(-2, 1, 2));
  });

  gpuTest('take a number in place of either operand, also one that differs in every call', async () => {
    const x = Tensor.from(gpu, [1, 2, 4]);
    expect(await table.div(8, x).data()).toEqual(Float32Array.of(8, 4, 2));
    for (const n of [0, -1.5, Infinity]) expect(await x.mul(n).data()).toEqual(Float32Array.of(n, 2 * n, 4 * n));
  });

  gpuTest('take the same tensor twice', async () => {
    const x = leaf(gpu, [3], (_, i) => i + 1);
    backward(x.mul(x), Tensor.from(gpu, [1, 1, 1]));
    expect(await x.grad!.data()).toEqual(Float32Array.of(2, 4, 6));
  });

  gpuTest('save what their gradients read, and nothing else', async () => {
    const [a, b] = [leaf(gpu, [2, 3]), leaf(gpu, [3])];
    const sum = a.add(b);
    a.set(new Float32Array(6));
    backward(sum, 1);
    expect(await b.grad!.data()).toEqual(Float32Array.of(2, 2, 2));
    a.zeroGrad();
    b.requiresGrad = false;
    const product = a.mul(b);
    // The gradient of b would need it.
    a.set(new Float32Array(6));
    backward(product, 1);
    expect(await a.grad!.data()).toEqual(Float32Array.from([...(await b.data()), ...(await b.data())]));
  });

  gpuTest('name what does not fit', () => {
    const x = Tensor.from(gpu, [1, 2, 3]);
    expect(() => x.add(Tensor.from(gpu, [1, 2]))).toThrow('add: a [3] and b [2] do not fit. Aligned at the last');
    expect(() => table.add(1, 2)).toThrow(
      new OptionError('add: at least one of a, b must be a tensor, got numbers alone.'),
    );
    expect(() => x.mul(untyped('2'))).toThrow('mul: b must be a tensor or a number, got type string.');
    expect(() => x.leakyRelu(untyped('2'))).toThrow('leakyRelu: slope must be a number, got type string.');
    expect(() => x.gelu(untyped('fast'))).toThrow('gelu: approximate must be none or tanh, got "fast".');
    expect(() => x.add(untyped(Tensor.from(gpu, Uint32Array.of(1))))).toThrow('add: b must hold f32 values, got u32.');
    expect(() => table.where(untyped(x), x, x)).toThrow('where: condition must hold u32 values, got f32.');
  });

  gpuTest('walk up to as many dimensions as there are', async () => {
    const shape = [2, 1, 3, 1, 2, 1, 3, 1];
    const other = [1, 2, 1, 3, 1, 2, 1, 4];
    const [a, b] = [leaf(gpu, shape), leaf(gpu, other)];
    expect(a.mul(b).shape).toEqual([2, 2, 3, 3, 2, 2, 3, 4]);
    await checkGradients((x, y) => x!.mul(y!), [a, b]);
  });
});
