/**
 * The random factors of torch's CPU for dropout and stochastic depth, draw for draw: `bernoulli_(1 - p)`, divided by
 * 1 − p (torch 1.13, ATen/native/cpu/DistributionTemplates.h; a build of torch with MKL draws others).
 */
import type { Gpu } from '../../gpu/gpu.ts';
import { type Shape, sizeOf, Tensor } from '../tensor.ts';

/** A source of random 32-bit words, such as a `Generator`. */
export interface RandomWords {
  u32(): number;
}

const { fround } = Math;

/** Two words make a double in [0, 1): 53 bits, the high ones first. */
const HIGH_BITS = 0x1fffff;
const UNIT = 2 ** -53;

/** Two words of the generator for each element. */
export const WORDS_PER_FACTOR = 2;

/**
 * A tensor of factors: each is 0 with probability `p`, else 1 / (1 − p), so that the mean of what they multiply stays. Draws
 * `WORDS_PER_FACTOR` words for each element.
 * @param p 0 to 1
 */
export function keepFactors(gpu: Gpu, shape: Shape, p: number, random: RandomWords): Tensor {
  const survival = 1 - p;
  const kept = survival > 0 ? fround(1 / fround(survival)) : 0;
  const factors = new Float32Array(sizeOf(shape));
  for (let i = 0; i < factors.length; i++) {
    const high = random.u32() & HIGH_BITS;
    const value = (high * 2 ** 32 + random.u32()) * UNIT;
    factors[i] = value < survival ? kept : 0;
  }
  return Tensor.from(gpu, factors, shape);
}
