/**
 * Initial weights as PyTorch draws them, in its order: the same seed gives the same network. The random numbers come
 * from the caller (`RandomSource`), so they share one stream with the shuffles and crops of a run.
 *
 * Sources: torch/nn/init.py; K. He et al., "Delving Deep into Rectifiers" (2015).
 */
import { OptionError } from '../autograd/errors.ts';
import { type Shape, sizeOf, Tensor } from '../autograd/tensor.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { erfinv } from '../random/erfinv.ts';

/** A stream of random numbers like torch's CPU generator. One draw is one 32-bit output of its engine. */
export interface RandomSource {
  /** torch's `uniform_(from, to)` on float32. One draw per value. */
  fillUniform(out: Float32Array, from: number, to: number): unknown;
  /** torch's `normal_(mean, std)` on float32. `normalDraws(out.length)` draws. */
  fillNormal(out: Float32Array, mean: number, std: number): unknown;
  /** Advances by this many draws. */
  skip(draws: number): void;
  /** One draw: 32 random bits, for the masks of dropout. */
  u32(): number;
}

/**
 * The source of initial weights. `draw` computes them. `skip` leaves zeros, for weights that will be loaded. It also
 * advances the random source, if given, as far as drawing would.
 */
export type Init =
  | { readonly random: RandomSource; readonly init?: 'draw' }
  | { readonly random?: RandomSource; readonly init: 'skip' };

/** The names of its options, for `checkNames`. */
export const INIT_OPTIONS = { random: true, init: true } as const satisfies Record<keyof Init, true>;

/** @throws OptionError if `init` is unknown, or there is no source of random numbers to draw from */
export function checkInit(owner: string, { random, init }: Init): void {
  if (init !== undefined && init !== 'draw' && init !== 'skip') {
    throw new OptionError(`${owner}: init must be "draw" or "skip", got ${JSON.stringify(init)}.`);
  }
  if (random === undefined ? init === 'skip' : typeof random?.fillUniform === 'function') return;
  throw new OptionError(
    `${owner}: random must be a source of random numbers, such as new Generator(0), got ${random}. ` +
      'For weights that will be loaded, leave it out and pass init: "skip".',
  );
}

/** From this size on, torch fills normals in blocks of this size. */
const NORMAL_BLOCK = 16;

/**
 * Draws of a `normal_` of at least 16 values: one per value. If the size is no multiple of 16, torch redraws the last
 * block.
 */
export function normalDraws(size: number): number {
  if (size < NORMAL_BLOCK) {
    throw new RangeError(`normalDraws: size must be at least ${NORMAL_BLOCK} (fewer are drawn in pairs), got ${size}.`);
  }
  return size % NORMAL_BLOCK === 0 ? size : size + NORMAL_BLOCK;
}

/** A new tensor of values from U(-bound, bound). */
export function uniform(gpu: Gpu, shape: Shape, bound: number, init: Init): Tensor {
  if (init.init === 'skip') {
    init.random?.skip(sizeOf(shape));
    return Tensor.zeros(gpu, shape);
  }
  const values = new Float32Array(sizeOf(shape));
  init.random.fillUniform(values, -bound, bound);
  return Tensor.from(gpu, values, shape);
}

/**
 * 1/√fan_in. Weights and biases of a new convolution or linear layer are from U(-bound, bound). torch computes the
 * bound in `kaiming_uniform_(a=√5)`. In double precision the two can differ by an ulp, but in float32 they agree for
 * any fan-in up to 100,000.
 * @param fanIn inputs of one output: in-channels times the kernel's area
 */
export function defaultBound(fanIn: number): number {
  return 1 / Math.sqrt(fanIn);
}

/** Values from N(0, std), or zeros after as many draws with `skip`. */
function normalValues(size: number, std: number, init: Init): Float32Array {
  const values = new Float32Array(size);
  if (init.init === 'skip' && size >= NORMAL_BLOCK) {
    init.random?.skip(normalDraws(size));
    return values;
  }
  // For fewer values, the count of draws depends on a cached half of an earlier pair. Only drawing tells it.
  init.random?.fillNormal(values, 0, std);
  return init.init === 'skip' ? values.fill(0) : values;
}

/** A new table [rows, width] of values from N(0, 1). One row may be zeros instead, which are drawn all the same. */
export function normalTable(gpu: Gpu, rows: number, width: number, zeroRow: number | undefined, init: Init): Tensor {
  const values = normalValues(rows * width, 1, init);
  if (zeroRow !== undefined) values.fill(0, zeroRow * width, (zeroRow + 1) * width);
  return Tensor.from(gpu, values, [rows, width]);
}

/** Overwrites a tensor with values from N(0, std): torch's `normal_`. */
export function refillNormal(tensor: Tensor, std: number, init: Init): void {
  const values = normalValues(tensor.size, std, init);
  if (init.init !== 'skip') tensor.set(values);
}

/** Overwrites a tensor with values from U(-bound, bound): torch's `uniform_`. */
export function refillUniform(tensor: Tensor, bound: number, init: Init): void {
  if (init.init === 'skip') {
    init.random?.skip(tensor.size);
    return;
  }
  const values = new Float32Array(tensor.size);
  init.random.fillUniform(values, -bound, bound);
  tensor.set(values);
}

/** torch cuts off its truncated normals here by default. */
const CUT = 2;

/**
 * Overwrites a tensor with torch's `trunc_normal_(std=std)`, for a deviation so small against the cut-off at ±2 that nearly nothing
 * is cut off: below 0.2, all of U(-1, 1) is taken, in single precision.
 */
export function refillTruncatedNormal(tensor: Tensor, std: number, init: Init): void {
  if (init.init === 'skip') {
    init.random?.skip(tensor.size);
    return;
  }
  const values = new Float32Array(tensor.size);
  init.random.fillUniform(values, -1, 1);
  const scale = Math.fround(std * Math.SQRT2);
  for (const [i, value] of values.entries()) values[i] = Math.max(-CUT, Math.min(CUT, erfinv(value) * scale));
  tensor.set(values);
}

/**
 * The source for a tensor that is drawn anew after its construction: it is not drawn on construction, but the draws are
 * counted.
 */
export function toBeRefilled({ random }: Init): Init {
  return random ? { random, init: 'skip' } : { init: 'skip' };
}

/**
 * Overwrites a convolution's weight [out, in, height, width] with torch's `kaiming_normal_(mode='fan_out',
 * nonlinearity='relu')`: N(0, √(2/fan_out)), fan_out = out · height · width.
 */
export function kaimingNormalFanOut(weight: Tensor, init: Init): void {
  const [outChannels, , height, width] = weight.shape as [number, number, number, number];
  refillNormal(weight, Math.SQRT2 / Math.sqrt(outChannels * height * width), init);
}
