/** Golden files for the tests of src/optim. */
import { readFileSync } from 'node:fs';
import { Tensor } from '../../src/autograd/tensor.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { Adam, AdamW, clipGradNorm, SGD } from '../../src/optim/index.ts';
import { findDifference } from '../support/compare.ts';

/** Reads test/golden/optim/<name>.json, written by make-golden.py. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/optim/${name}.json`, import.meta.url), 'utf8'));
}

interface Run {
  readonly name: 'SGD' | 'Adam' | 'AdamW';
  readonly groups: Readonly<Record<string, unknown>>[];
  /** Some values of each parameter after each of the steps `at`. */
  readonly steps: number[][][];
}

const { sizes, at, runs } = golden<{ sizes: number[][]; at: number[]; runs: Run[] }>('optimizers');

export { runs };

/** Values that float32 holds exactly; the same formula is in make-golden.py. */
export function formula(size: number, a: number, b: number, wave: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, i) => (((i * a + b) % wave) * 2) / wave - (wave - 1) / wave);
}

/** The values that the golden file has of a parameter. */
function some(values: Float32Array): number[] {
  const between = values.filter((_, i) => i >= 3 && i < values.length - 3 && (i - 3) % 331 === 0);
  return values.length <= 8 ? [...values] : [...values.slice(0, 3), ...between, ...values.slice(-3)];
}

const CLASSES = { SGD, Adam, AdamW };

/** Each step updates parameters of at most 1 by at most 0.15, with a dozen roundings; they add up over eight steps. */
const TOLERANCE = { atol: 4e-7, rtol: 1e-6 };

/** Runs an optimizer on two groups. Returns the differences from PyTorch's float64. */
export async function optimizerDifferences(gpu: Gpu, { name, groups, steps }: Run): Promise<string[]> {
  const parameters = sizes.map((own) => own.map((size) => Tensor.from(gpu, formula(size, 29, 7 * size, 128))));
  const all = parameters.flat();
  const given = groups.map(({ weight_decay: weightDecay, ...settings }, i) => ({
    parameters: parameters[i]!,
    ...settings,
    ...(weightDecay === undefined ? {} : { weightDecay: weightDecay as number }),
  }));
  const optimizer = new CLASSES[name](given, { lr: 0.001 });
  const found: string[] = [];
  for (let step = 0; step <= at.at(-1)!; step++) {
    for (const parameter of all) {
      if (parameter.size === 4097 && step < 2) continue;
      parameter.grad = Tensor.from(gpu, formula(parameter.size, 37, 101 * step + parameter.size, 64));
    }
    if (step === 5) for (const group of optimizer.groups) group.lr *= 0.25;
    optimizer.step();
    optimizer.zeroGrad();
    const expected = steps[at.indexOf(step)];
    if (!expected) continue;
    for (const [i, parameter] of all.entries()) {
      const difference = findDifference(some(await parameter.data()), expected[i]!, TOLERANCE);
      if (difference) found.push(`parameter of ${parameter.size} after step ${step} ${difference}`);
    }
  }
  optimizer.dispose();
  for (const parameter of all) parameter.dispose();
  return found;
}

interface Clip {
  /** Of each gradient; null for a parameter without one. */
  readonly sizes: (number | null)[];
  readonly max_norm: number;
  readonly norm: number;
  /** Some values of the first 4097 of each gradient, after clipping. */
  readonly grads: (number[] | null)[];
}

export const clips = golden<{ runs: Clip[] }>('clip-grad-norm').runs;

/** Clips the gradients of a case. Returns the differences from PyTorch's float64. */
export async function clipDifferences(gpu: Gpu, { sizes, max_norm: maxNorm, norm, grads }: Clip): Promise<string[]> {
  const parameters = sizes.map((size, i) => {
    const parameter = Tensor.zeros(gpu, [size ?? 2]);
    if (size !== null) {
      const values = formula(size, 37, 101 * i + size, 64).map((value) => value + 0.5);
      parameter.grad = Tensor.from(gpu, values, [size]);
    }
    return parameter;
  });
  const found = clipGradNorm(parameters, maxNorm);
  const results: [string, number[], number[]][] = [['norm', [await found.item()], [norm]]];
  for (const [i, { grad }] of parameters.entries()) {
    if (grad) results.push([`gradient ${i}`, some((await grad.data()).slice(0, 4097)), grads[i]!]);
  }
  for (const tensor of [found, ...parameters]) tensor.dispose();
  return results.flatMap(([name, actual, expected]) => {
    // A tree of sums, a root and a quotient in float32: a dozen roundings in a row at most, of either sign.
    const difference = findDifference(actual, expected, { atol: 0, rtol: 3e-7 });
    return difference ? [`${name} ${difference}`] : [];
  });
}
