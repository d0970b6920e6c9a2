/** Compares the values that a program reports on dawngrad with those on PyTorch. */
import { formatShape } from '../../src/autograd/errors.ts';
import type { Reported, RunResult } from './run.ts';
import type { TorchAnswer, TorchTensor } from './torch.ts';

/**
 * The bar: the error against PyTorch's float64 is at most 20 times that of PyTorch's float32, plus 1e-6.
 *
 * The error of PyTorch's float32 is the largest of four runs. Three of them round every result differently, by up to an
 * ulp. A single run may be right by luck, above all in a tensor of few values, and would set a bar that float32 cannot
 * meet. All four may be, so that half an ulp of each value is the least error that counts. For the same reason norms are
 * compared, not elements: the largest errors with each other, and the root mean squares.
 */
export const TIMES = 20;
/**
 * The 1e-6 is multiplied by the largest value of a tensor, clamped to 0.1 and 1. So small values have a smaller
 * allowance, down to 1e-7, and large values have no larger one. A tensor of zeros has no scale and gets 1e-6.
 */
const FLOOR = 1e-6;
const LEAST_SIZE = 0.1;

/** A finite value beyond this comes from poisoned memory. */
const POISONED = 1e20;

export type FailureKind =
  | 'crash'
  | 'poison'
  | 'value'
  | 'gradient'
  | 'parameter'
  | 'missing'
  | 'shape'
  | 'difference'
  | 'no error'
  | 'leak'
  | 'other bits';

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
}

export interface Comparison {
  readonly failures: readonly Failure[];
  /** The largest error, at most 20, in units of PyTorch float32's error plus a twentieth of the 1e-6. */
  readonly worst: number;
  readonly worstName: string;
  readonly tensors: number;
}

/** Compares everything that was reported. */
export function compareWithTorch(reported: RunResult['reported'], { tensors }: TorchAnswer): Comparison {
  const failures: Failure[] = [];
  let [worst, worstName] = [0, ''];
  for (const name of new Set([...reported.keys(), ...tensors.keys()])) {
    const [ours, torch] = [reported.get(name), tensors.get(name) ?? undefined];
    if (!ours || !torch) {
      if (ours || torch) failures.push({ kind: 'missing', message: missing(name, ours) });
      continue;
    }
    if (formatShape(ours.shape) !== formatShape(torch.shape)) {
      const message = `${name} has shape ${formatShape(ours.shape)}, PyTorch's ${formatShape(torch.shape)}`;
      failures.push({ kind: 'shape', message });
      continue;
    }
    const { ratio, message } = compareTensor(ours.values, torch);
    if (ratio > worst) [worst, worstName] = [ratio, name];
    if (ratio <= TIMES) continue;
    failures.push({ kind: Number.isFinite(ratio) ? kindOf(name) : 'poison', message: `${name} ${message}` });
  }
  return { failures, worst, worstName, tensors: tensors.size };
}

/** Finds values of poisoned memory. This needs no PyTorch. */
export function findPoison(reported: RunResult['reported']): Failure[] {
  return [...reported].flatMap(([name, tensor]): Failure[] => {
    const wrong = tensor?.values.find((value) => !(Math.abs(value) < POISONED));
    return wrong === undefined ? [] : [{ kind: 'poison', message: `${name} holds ${wrong}` }];
  });
}

/** Two runs of a program must give the same bits. */
export function compareBits(first: RunResult['reported'], second: RunResult['reported']): Failure[] {
  return [...first].flatMap(([name, tensor]): Failure[] => {
    const other = second.get(name);
    const at = tensor?.values.findIndex((value, i) => !Object.is(value, other?.values[i])) ?? -1;
    if (at < 0) return [];
    return [{ kind: 'other bits', message: `${name}: ${tensor!.values[at]} and then ${other?.values[at]} at ${at}` }];
  });
}

function missing(name: string, ours: Reported): string {
  return ours ? `${name} is there, PyTorch has none` : `${name} is not there, PyTorch has one`;
}

function kindOf(name: string): FailureKind {
  if (name.endsWith('.grad')) return 'gradient';
  return / [a-uw-z]\d+$/.test(name) ? 'parameter' : 'value';
}

/** Infinite where a value is not finite or comes from poisoned memory. */
function compareTensor(ours: ArrayLike<number>, { values, most, rms }: TorchTensor) {
  let [largest, at, squares, size] = [0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const error = Math.abs(ours[i]! - values[i]!);
    if (!(Math.abs(ours[i]!) < POISONED)) return { ratio: Number.POSITIVE_INFINITY, message: `is ${ours[i]} at ${i}` };
    size = Math.max(size, Math.abs(values[i]!));
    squares += error * error;
    if (error > largest) [largest, at] = [error, i];
  }
  const floor = (FLOOR * (size === 0 ? 1 : Math.min(1, Math.max(LEAST_SIZE, size)))) / TIMES;
  const ratio = Math.max(largest / (most + floor), Math.sqrt(squares / values.length) / (rms + floor));
  const message =
    `is ${ratio.toPrecision(3)} times as far off as PyTorch's float32: most at ${at} of ${values.length}, ${ours[at]} for ` +
    `${values[at]} (PyTorch's float32 is off by ${most.toExponential(1)} at most, ${rms.toExponential(1)} on average)`;
  return { ratio, message };
}
