/**
 * torch's symmetric Beta distribution, draw for draw: the first value of `torch._sample_dirichlet([alpha, alpha])`, as
 * torchvision's RandomMixup draws it. Gammas by Marsaglia and Tsang (2000), as in ATen/native/Distributions.h.
 */
import type { Generator } from './mt19937.ts';

const THIRD = Math.fround(1 / 3);
/** The least positive double that is not subnormal. */
const LEAST = 2 ** -1022;
/** The greatest float32 below 1. */
const MOST_F32 = 1 - 2 ** -24;
/** The least positive float32 that is not subnormal. */
const LEAST_F32 = 2 ** -126;

/** A float32 strictly between 0 and 1, distributed as Beta(alpha, alpha). @param alpha more than 0 */
export function sampleBeta(generator: Generator, alpha: number): number {
  const shape = Math.fround(alpha);
  const first = gamma(generator, shape);
  const second = gamma(generator, shape);
  return Math.min(MOST_F32, Math.max(LEAST_F32, Math.fround(first / (first + second))));
}

function gamma(generator: Generator, alpha: number): number {
  let [scale, shape] = [1, alpha];
  if (alpha < 1) {
    // Raised for more acceptance.
    scale = (1 - generator.rand64()) ** (1 / alpha);
    shape += 1;
  }
  // torch divides in float32 here.
  const d = shape - THIRD;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    let [x, y] = [0, 0];
    do {
      x = generator.normal64();
      y = 1 + c * x;
    } while (y <= 0);
    const v = y * y * y;
    const u = 1 - generator.rand64();
    const square = x * x;
    const accepted = u < 1 - 0.0331 * square * square || Math.log(u) < square / 2 + d * (1 - v + Math.log(v));
    if (accepted) return Math.max(LEAST, scale * d * v);
  }
}
