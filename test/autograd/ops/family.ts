/**
 * The tests of a family of ops: golden values on both kinds of adapters, finite differences, planted errors. A family's
 * test file gives the tables, such as `reductions.test.ts`; `make-golden-FAMILY.py` writes its golden cases.
 */
import { describe, expect } from 'vitest';
import { counterNoise } from '../../../src/autograd/gradcheck.ts';
import { checkGradients, type GradientCheckOptions, sizeOf, Tensor } from '../../../src/autograd/index.ts';
import type { Gpu } from '../../../src/gpu/gpu.ts';
import type { Tolerance } from '../../support/compare.ts';
import { type GpuForTests, openAs, type ShaderEdit } from '../../support/gpu.ts';
import { findsWrongGradients, largest, seesPlanted, seesWrongGradientsOf } from '../../support/planted.ts';
import { type Case, differencesWithin, load, type Run, titleOf } from './golden.ts';

/** An op and inputs on which its gradient is compared with finite differences. */
export interface Subject {
  readonly inputs: (gpu: Gpu) => Tensor[];
  readonly fn: (...inputs: Tensor[]) => Tensor;
  readonly options?: GradientCheckOptions;
}

export interface Family {
  /** The file of its cases: `test/golden/ops/NAME.json`. */
  readonly golden: string;
  /** How each op is called, by the name that its cases have. */
  readonly runs: Readonly<Record<string, Run>>;
  /** The tolerance of each op; of a case and a result where it depends on them. State the reason beside it. */
  readonly tolerances: Readonly<Record<string, Tolerance | ((one: Case, result: string) => Tolerance)>>;
  /** Each differentiable op at least once, away from its kinks. */
  readonly subjects: Readonly<Record<string, Subject>>;
  /** Errors in shaders: what they are, the op, the value that its golden cases must see differ, the edit. */
  readonly planted: readonly (readonly [what: string, op: string, wrong: string, edit: ShaderEdit])[];
}

/** Declares the tests of a family, which has cases, runs and tolerances for the same ops. */
export function testFamily({ gpuTest, gpu }: GpuForTests, family: Family): void {
  const { runs, tolerances, subjects, planted } = family;
  const cases = load(family.golden);
  const ops = [...new Set(cases.map(({ op }) => op))];
  const casesOf = (op: string) => cases.filter((one) => one.op === op);
  const compare = (device: Gpu, one: Case, run = runs[one.op]!) =>
    differencesWithin(device, one, run, (result) => {
      const tolerance = tolerances[one.op]!;
      return typeof tolerance === 'function' ? tolerance(one, result) : tolerance;
    });

  describe.each(ops)('%s', (op) => {
    for (const one of casesOf(op)) {
      gpuTest(titleOf(one), async () => {
        const before = gpu.pool.liveBytes;
        expect(await compare(gpu, one)).toEqual([]);
        expect(gpu.pool.liveBytes).toBe(before);
      });
    }
    gpuTest('as on the other kind of adapter', async () => {
      const other = await openAs({ kind: gpu.traits.kind === 'cpu' ? 'gpu' : 'cpu' });
      for (const one of casesOf(op)) expect(await compare(other, one), titleOf(one)).toEqual([]);
    });
    const learnt = casesOf(op).filter((one) => one.seed && sizeOf(one.seed.shape) > 0);
    if (learnt.length > 0) {
      const one = largest(learnt);
      seesWrongGradientsOf(
        gpuTest,
        () => gpu,
        one,
        runs[op]!,
        (device, run) => compare(device, one, run),
      );
    }
  });

  describe.each(Object.entries(subjects))('%s', (_, { inputs, fn, options = {} }) => {
    gpuTest('agrees with finite differences', async () => {
      const leaves = inputs(gpu);
      const report = await checkGradients(fn, leaves, options);
      const learnt = [...leaves.keys()].filter((index) => leaves[index]!.requiresGrad);
      expect(report.inputs.map(({ index }) => index)).toEqual(learnt);
      expect(report.worst).toBeLessThan(options.tolerance ?? 5e-3);
    });
    findsWrongGradients(gpuTest, async () => ({ leaves: inputs(gpu), fn }), options);
  });

  for (const [what, op, wrong, edit] of planted) {
    describe(op, () => {
      seesPlanted(gpuTest, { what, wrong, edit }, async (tampered) => {
        // The first case that sees it is enough; the largest are the likeliest.
        const found: string[] = [];
        const sees = () => found.some((line) => line.startsWith(`${wrong} `));
        for (const one of casesOf(op).reverse()) if (!sees()) found.push(...(await compare(tampered, one)));
        return found;
      });
    });
  }
}

/** A leaf of random values between −1 and 1, each passed through `change`. */
export function leaf(
  gpu: Gpu,
  shape: number[],
  change: (value: number, index: number) => number = (value) => value,
): Tensor {
  const random = counterNoise(sizeOf(shape));
  const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => change(2 * random() - 1, i));
  const tensor = Tensor.from(gpu, values, shape);
  tensor.requiresGrad = true;
  return tensor;
}

/** Keeps values away from 0, where many ops have a kink. */
export const awayFromZero = (value: number): number => value + Math.sign(value) * 0.1;

/** Values in a mixed order that differ by more than a step of the check: no two are nearly equal. */
export const apart = (_: number, index: number): number => ((index * 37) % 101) / 10;
