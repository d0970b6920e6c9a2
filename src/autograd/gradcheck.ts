/**
 * Gradient check: compares the gradients that `backward` computes with finite differences. For authors of ops and
 * layers.
 *
 *     await checkGradients((x, w) => myOp(x, w), [x, w]);
 *
 * Fixed random weights r reduce the output to one value, f(x) = Σ rⱼ·outputⱼ(x). Along a random direction v, the
 * central difference f(x + εv) − f(x − εv) must equal 2ε·⟨∇f, v⟩, which follows from the gradient. One direction tests
 * all elements of an input at once, so large inputs cost no more than small ones.
 *
 * The op computes in float32. So a difference carries rounding noise of about 1e-7 · |output| / ε, and a curvature
 * error that grows with ε². Sums on the host are in double. Keep inputs away from kinks (relu at 0, two equal maxima of
 * a window): a step of ε across a kink does not measure a derivative.
 */
import { backward } from './backward.ts';
import { formatShape, GradientMismatchError, OptionError } from './errors.ts';
import { noGrad } from './graph.ts';
import { checkNames, numberFrom0, wholeNumber } from './options.ts';
import { scope } from './scope.ts';
import { Tensor } from './tensor.ts';

/** Options of a gradient check. The defaults suit ops in float32 on values of about 1. */
export interface GradientCheckOptions {
  /** Largest change of an element to either side; 1e-2 by default. */
  readonly epsilon?: number;
  /** Largest relative error; 5e-3 by default. */
  readonly tolerance?: number;
  /** Random directions per input; 4 by default. */
  readonly directions?: number;
  /** Uniform values from 0 to 1. By default the same noise in every check. */
  readonly random?: () => number;
}

const OPTIONS = { epsilon: true, tolerance: true, directions: true, random: true } as const satisfies Record<
  keyof GradientCheckOptions,
  true
>;

/** Result along one direction: both derivatives and the relative error. */
export interface DirectionResult {
  readonly analytic: number;
  readonly numeric: number;
  readonly error: number;
}

/** Result of a gradient check: every error is within the tolerance. */
export interface GradientCheckReport {
  /** One entry for each input that requires a gradient. */
  readonly inputs: readonly { readonly index: number; readonly directions: readonly DirectionResult[] }[];
  /** The largest relative error of all. */
  readonly worst: number;
}

/** Rounding of an output is at most 2⁻²⁴ of it; sums inside an op add up to a few times that. */
const OUTPUT_NOISE = 8 * 2 ** -24;

/**
 * Checks the gradient of every input that requires one. `fn` must return the same output for the same inputs; it is
 * called twice per direction and once more. Afterwards the inputs have their old values and no `grad`.
 *
 * The error is |analytic − numeric| divided by the largest of three values:
 * - the larger of |analytic| and |numeric|;
 * - the average for a random direction, ‖gradient‖·‖v‖/√size, as one direction may happen to be level;
 * - the rounding noise divided by the tolerance.
 * @throws GradientMismatchError for the first direction whose relative error exceeds the tolerance
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
  // The change that rounding alone can make to a difference of two reduced outputs.
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
          // Of either sign, and never too small to see.
          const drawn = 2 * random() - 1;
          const step = epsilon * Math.sign(drawn) * (0.5 + 0.5 * Math.abs(drawn));
          plus[i] = start[i]! + step;
          minus[i] = start[i]! - step;
        }
        input.set(plus);
        const above = await evaluate();
        input.set(minus);
        const below = await evaluate();
        // The actual step is the rounded one.
        const step = Float64Array.from(plus, (value, i) => value - minus[i]!);
        if (norm(step) < (epsilon * Math.sqrt(input.size)) / 4) {
          throw new OptionError(
            `checkGradients: input ${index} has values of up to ${Math.max(...start.map(Math.abs))}, where float32 loses a ` +
              `step of ${epsilon}. Scale the inputs, or give a larger epsilon.`,
          );
        }
        const result = compare(dot(gradient, step), above - below, {
          floor: Math.max((norm(gradient) * norm(step)) / Math.sqrt(input.size), noise / tolerance),
          unit: 2 * epsilon,
        });
        found.push(result);
        if (!(result.error <= tolerance)) {
          throw new GradientMismatchError(
            `Gradient of input ${index} ${formatShape(input.shape)} is wrong in direction ${d}: backward says ` +
              `${result.analytic}, finite differences say ${result.numeric} (relative error ${result.error.toPrecision(3)}, ` +
              `tolerance ${tolerance}${input.grad ? '' : '; backward gave it no gradient at all'}). Correct the ` +
              'backward, or keep the inputs away from kinks.',
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
 * Values from 0 to 1 that look random: a hash of 0, 1, 2, … (the finaliser of MurmurHash3 by Austin Appleby). Use it as
 * test noise only, not as a random generator for training.
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
