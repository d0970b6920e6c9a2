/**
 * Compares each gradient of a backward with finite differences of the engine's own forward, along one direction of all
 * elements.
 *
 * Along a direction v from x, f is computed at x − hv, x − hv/2, x, x + hv/2 and x + hv. Richardson's extrapolation of
 * the two central differences has an error that grows with h⁴ if f is smooth. If not (a ReLU or a maximum changes on
 * the way), the two central differences disagree, or the slopes on both sides of x do. Then the direction says nothing,
 * and another one with a smaller step is tried. After the last try the leaf is counted as unsure.
 */
import { counterNoise } from '../../src/autograd/gradcheck.ts';
import type { TracedBackward, TracedLeaf } from './trace.ts';

/** Allowed distance of the gradient from the difference quotient, relative to the larger of both. */
const TOLERANCE = 3e-3;
/** Allowed disagreement of the quotients. The gradient may be off by as much as they disagree. */
const UNSURE = 5e-3;
/** The first step, relative to the typical value of the leaf. Each further try halves it. */
const STEP = 2 ** -5;
const TRIES = 6;
/**
 * So many tries in a row must find a mismatch. Several kinks may cancel along one direction, but not along others and
 * with other steps.
 */
const CONFIRMATIONS = 3;
/** Roundings of an output, in units of half an ulp of the whole. */
const NOISE = 8 * 2 ** -24;

export interface DifferenceCheck {
  readonly leaf: string;
  readonly outcome: 'agrees' | 'unsure' | 'differs';
  /** The slope of the gradient in the last try. */
  readonly analytic: number;
  readonly numeric: number;
}

/** Checks every leaf of a backward. */
export async function checkDifferences(backward: TracedBackward): Promise<DifferenceCheck[]> {
  const base = await backward.evaluate()();
  const start = dot(base, backward.weights);
  // Values below 1 may be differences of larger ones, like a loss of almost 0.
  const size = norm(backward.weights.map((weight, i) => weight * Math.max(1, Math.abs(base[i]!))));
  const checks: DifferenceCheck[] = [];
  for (const leaf of backward.leaves) {
    let check: DifferenceCheck | undefined;
    let differing = 0;
    for (let attempt = 0; attempt < TRIES && check?.outcome !== 'agrees' && differing < CONFIRMATIONS; attempt++) {
      check = await quotientOf(backward, leaf, { start, size, attempt });
      differing = check.outcome === 'differs' ? differing + 1 : 0;
    }
    if (!check) continue;
    checks.push(check.outcome === 'differs' && differing < CONFIRMATIONS ? { ...check, outcome: 'unsure' } : check);
  }
  return checks;
}

interface Attempt {
  readonly start: number;
  /** The norm of the weighted output. Its rounding is relative to this. */
  readonly size: number;
  readonly attempt: number;
}

async function quotientOf(
  backward: TracedBackward,
  { name, values, gradient, rounding }: TracedLeaf,
  { start, size, attempt }: Attempt,
): Promise<DifferenceCheck> {
  const direction = directionOf(values.length, gradient, attempt);
  const typical = Math.max(0.1, norm(values) / Math.sqrt(values.length));
  const h = STEP * 2 ** -attempt * typical;
  const readings = [-1, -0.5, 0.5, 1].map((share) => {
    const moved = values.map((value, i) => value + share * h * direction[i]!);
    return backward.evaluate(name, moved);
  });
  const outputs: number[] = [];
  for (const reading of readings) outputs.push(dot(await reading(), backward.weights));
  const [below, halfBelow, halfAbove, above] = outputs as [number, number, number, number];
  const [whole, half] = [(above - below) / (2 * h), (halfAbove - halfBelow) / h];
  const numeric = (4 * half - whole) / 3;
  // The slope on each side uses two steps, so that curvature cancels.
  const right = (4 * halfAbove - above - 3 * start) / h;
  const left = (3 * start - 4 * halfBelow + below) / h;
  const analytic = gradient ? dot(gradient, direction) : 0;
  const scale = Math.max(Math.abs(analytic), Math.abs(numeric));
  const noise = (4 * NOISE * size) / h + rounding * norm(direction);
  const disagreement = Math.abs(whole - half) + Math.abs(right - left) / 2;
  const result = { leaf: name, analytic, numeric };
  // The condition is negated, so that it also holds if a value is NaN.
  if (!(disagreement <= UNSURE * scale + noise && noise <= UNSURE * scale)) {
    return { ...result, outcome: scale <= noise && disagreement <= noise ? 'agrees' : 'unsure' };
  }
  const allowed = TOLERANCE * scale + disagreement + noise;
  return { ...result, outcome: Math.abs(analytic - numeric) <= allowed ? 'agrees' : 'differs' };
}

/**
 * A direction that is half along the gradient, so that the slope is large compared with rounding, and half random.
 * After the first try only some elements move, and different ones each time.
 */
function directionOf(length: number, gradient: Float64Array | undefined, attempt: number): Float64Array {
  const random = counterNoise(1000 * attempt + length);
  const size = gradient ? norm(gradient) : 0;
  const along = size > 0 ? Math.sqrt(length / 2) / size : 0;
  return Float64Array.from({ length }, (_, i) => {
    const moves = attempt === 0 || length === 1 || random() < 0.5;
    const step = along * (gradient?.[i] ?? 0) + 1.2 * (2 * random() - 1);
    return moves ? step : 0;
  });
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a));
}
