/**
 * Gradient check: does what `backward` computes agree with finite differences? For whoever writes an op or a layer.
 *
 *     await checkGradients((x, w) => myOp(x, w), [x, w]);
 *
 * The output is made one number by fixed random weights r, f(x) = Σ rⱼ·outputⱼ(x). Along a random direction v the central
 * difference f(x + εv) − f(x − εv) must be what the gradient says, 2ε·⟨∇f, v⟩. One direction tests all elements of an input at
 * once, so large inputs cost no more than small ones.
 *
 * The op computes in float32, so a difference carries rounding noise of about 1e-7 · |output| / ε, and a curvature error
 * that grows with ε². Sums on the host are in double. Keep inputs away from kinks (relu at 0, two equal maxima of a
 * window): a step of ε across one is no derivative.
 */
import { backward } from './backward.ts';
import { formatShape, GradientMismatchError, OptionError } from './errors.ts';
import { noGrad } from './graph.ts';
import { checkNames, numberFrom0, wholeNumber } from './options.ts';
import { scope } from './scope.ts';
import { Tensor } from './tensor.ts';

/** How a gradient is checked; the defaults suit ops in float32 on numbers of about 1. */
export interface GradientCheckOptions {
  /** Largest change of an element to either side; 1e-2 by default. */
  readonly epsilon?: number;
  /** Largest relative error; 5e-3 by default. */
  readonly tolerance?: number;
  /** Random directions per input; 4 by default. */
  readonly directions?: number;
  /** Uniform numbers from 0 to 1. By default the same noise in every check. */
  readonly random?: () => number;
}

const OPTIONS = { epsilon: true, tolerance: true, directions: true, random: true } as const satisfies Record<
  keyof GradientCheckOptions,
  true
>;

/** What was found along one direction: both derivatives and the relative error. */
export interface DirectionResult {
  readonly analytic: number;
  readonly numeric: number;
  readonly error: number;
}

/** What a gradient check found: all of it within the tolerance. */
export interface GradientCheckReport {
  /** One entry for each input that requires a gradient. */
  readonly inputs: readonly { readonly index: number; readonly directions: readonly DirectionResult[] }[];
  /** The largest relative error of all. */
  readonly worst: number;
}

/** Rounding of an output is at most 2⁻²⁴ of it; sums inside an op leave a few times that. */
const OUTPUT_NOISE = 8 * 2 ** -24;

/**
 * Checks the gradient of every input that requires one. `fn` must give the same output for the same inputs; it is called
 * twice per direction and once more. The inputs have their old values afterwards and no `grad`. Throws
 * GradientMismatchError for the first direction whose relative error exceeds the tolerance.
 *
 * The error is |analytic − numeric| over the largest of both, of what a random direction gives on average
 * (‖gradient‖·‖v‖/√size: a direction may happen to be level), and of the rounding noise over the tolerance.
 */
export async function checkGradients(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradientCheckOptions = {},
): Promise<GradientCheckReport> {
  checkNames('checkGradients', options, OPTIONS);
  const { epsilon = 1e-2, tolerance = 5e-3, directions = 4, random = counterNoise() } = options;
  for (const [name, value] of Object.entries({ epsilon, tolerance })) {
    if (numberFrom0('checkGradients', name, value) > 0) continue;
    throw new OptionError(`checkGradients: ${name} must be above 0, got 0.`);
  }
  wholeNumber('checkGradients', 'directions', directions, 1);
  for (const input of inputs) input.zeroGrad();
  const output = scope(() => fn(...inputs));
  const weights = Float32Array.from({ length: output.size }, () => 2 * random() - 1);
  const seed = Tensor.from(output.gpu, weights, output.shape);
  scope(() => backward(output, seed));
  seed.dispose();
  // How far rounding alone moves a difference of two scalarised outputs.
  const noise = OUTPUT_NOISE * norm((await output.data()).map((value, j) => value * weights[j]!));
  output.dispose();

  const evaluate = async (): Promise<number> => {
    const result = scope(() => noGrad(() => fn(...inputs)));
    const value = dot(await result.data(), weights);
    result.dispose();
    return value;
  };

  const results: GradientCheckReport['inputs'][number][] = [];
  for (const [index, input] of inputs.entries()) {
    if (!input.requiresGrad) continue;
    const gradient = input.grad ? await input.grad.data() : new Float32Array(input.size);
    const start = await input.data();
    const found: DirectionResult[] = [];
    try {
      for (let d = 0; d < directions; d++) {
        const plus = new Float32Array(input.size);
        const minus = new Float32Array(input.size);
        for (let i = 0; i < input.size; i++) {
          const step = epsilon * (2 * random() - 1);
          plus[i] = start[i]! + step;
          minus[i] = start[i]! - step;
        }
        input.set(plus);
        const above = await evaluate();
        input.set(minus);
        const below = await evaluate();
        // The step that was taken is the rounded one.
        const step = Float64Array.from(plus, (value, i) => value - minus[i]!);
        const result = compare(dot(gradient, step), above - below, {
          floor: Math.max((norm(gradient) * norm(step)) / Math.sqrt(input.size), noise / tolerance),
          unit: 2 * epsilon,
        });
        found.push(result);
        if (!(result.error <= tolerance)) {
          throw new GradientMismatchError(
            `Gradient of input ${index} ${formatShape(input.shape)} is wrong in direction ${d}: backward says ` +
              `${result.analytic}, finite differences say ${result.numeric} (relative error ${result.error.toPrecision(3)}, ` +
              `tolerance ${tolerance}${input.grad ? '' : '; backward gave it no gradient at all'}).`,
          );
        }
      }
    } finally {
      input.set(start);
      input.zeroGrad();
    }
    results.push({ index, directions: found });
  }
  return { inputs: results, worst: Math.max(0, ...results.flatMap((one) => one.directions.map((d) => d.error))) };
}

function compare(analytic: number, numeric: number, { floor, unit }: { floor: number; unit: number }): DirectionResult {
  const scale = Math.max(Math.abs(analytic), Math.abs(numeric), floor);
  const difference = Math.abs(analytic - numeric);
  return {
    analytic: analytic / unit,
    numeric: numeric / unit,
    error: difference === 0 ? 0 : difference / scale,
  };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a));
}

/**
 * Numbers from 0 to 1 that look random: a hash of 0, 1, 2, … (the finaliser of MurmurHash3 by Austin Appleby). Test noise,
 * not a random generator: never to train with.
 */
export function counterNoise(start = 0): () => number {
  let counter = start;
  return () => {
    let bits = Math.imul(++counter, 0x9e3779b1);
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
}
