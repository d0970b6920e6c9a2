/**
 * Errors planted in shaders and gradients, to show that a test sees them. A test that cannot fail proves nothing.
 */

import { expect } from 'vitest';
import {
  checkGradients,
  type GradientCheckOptions,
  GradientMismatchError,
  type Tensor,
} from '../../src/autograd/index.ts';
import type { OpenOptions } from '../../src/gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { type Case, differences, type Inputs, RUNS, type Run } from '../autograd/ops/golden.ts';
import { openTampered, type ShaderEdit } from './gpu.ts';
import { scaleGradient } from './tamper.ts';

type Test = (name: string, run: () => Promise<void>) => void;

/** An error in a shader. */
export interface Planted {
  readonly what: string;
  /** The value that the error makes wrong. */
  readonly wrong: string;
  readonly edit: ShaderEdit;
  /** Traits claimed by the device with the error. */
  readonly traits?: Partial<AdapterTraits>;
  readonly options?: OpenOptions;
}

/** @param found lists the wrong values on a device, a line each: `output differs at …` */
export function seesPlanted(
  gpuTest: Test,
  planted: Planted,
  found: (tampered: Gpu) => Promise<readonly string[]>,
): void {
  const { what, wrong, edit, traits, options } = planted;
  gpuTest(`sees a wrong ${wrong}: ${what}`, async () => {
    expect(await found(await openTampered(edit, traits, options))).toContainEqual(expect.stringMatching(`^${wrong} `));
  });
}

/** Factors that make a whole gradient wrong. */
const WRONG_GRADIENTS = [
  ['2 % too large', 1.02],
  ['2 % too small', 0.98],
  ['of the wrong sign', -1],
  ['zero', 0],
] as const;

/** The case with the most elements, none of whose gradients is all zeros. */
export function largest(cases: readonly Case[]): Case {
  const size = ({ inputs }: Case) => Object.values(inputs)[0]!.shape.reduce((product, extent) => product * extent, 1);
  return cases.reduce((most, next) => (size(next) > size(most) ? next : most));
}

/** A golden case sees a wrong gradient of each of its inputs. */
export function seesWrongGradients(gpuTest: Test, open: () => Gpu | Promise<Gpu>, one: Case, slack?: number): void {
  seesWrongGradientsOf(gpuTest, open, one, RUNS[one.op]!, (gpu, run) => differences(gpu, one, run, slack));
}

/** The same for an op that `run` calls and `compare` compares. */
export function seesWrongGradientsOf(
  gpuTest: Test,
  open: () => Gpu | Promise<Gpu>,
  one: Case,
  op: Run,
  compare: (gpu: Gpu, run: Run) => Promise<string[]>,
): void {
  for (const [what, factor] of WRONG_GRADIENTS) {
    gpuTest(`sees gradients ${what}`, async () => {
      const gpu = await open();
      for (const input of Object.keys(one.inputs).filter((key) => one.inputs[key]!.grad)) {
        const run = (inputs: Inputs, options: Record<string, unknown>) =>
          op({ ...inputs, [input]: scaleGradient(inputs[input]!, factor) }, options);
        expect(await compare(gpu, run)).toEqual([expect.stringMatching(`^${input}Grad differs`)]);
      }
    });
  }
}

/** Finite differences see a wrong gradient of each input. */
export function findsWrongGradients(
  gpuTest: Test,
  subject: () => Promise<{ readonly leaves: readonly Tensor[]; readonly fn: (...inputs: Tensor[]) => Tensor }>,
  options: GradientCheckOptions = {},
): void {
  for (const [what, factor] of WRONG_GRADIENTS) {
    gpuTest(`finds gradients ${what}`, async () => {
      const { leaves, fn } = await subject();
      for (const index of leaves.keys()) {
        if (!leaves[index]!.requiresGrad) continue;
        const wrong = (...all: Tensor[]) =>
          fn(...all.map((one, i) => (i === index ? scaleGradient(one, factor) : one)));
        const check = checkGradients(wrong, leaves, options);
        await expect(check).rejects.toThrow(GradientMismatchError);
        await expect(check).rejects.toThrow(`Gradient of input ${index} [${leaves[index]!.shape.join(', ')}] is wrong`);
      }
    });
  }
}
