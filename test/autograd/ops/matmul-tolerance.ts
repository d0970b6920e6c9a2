/** The tolerance of products of matrices. */
import { sizeOf } from '../../../src/autograd/index.ts';
import type { Tolerance } from '../../support/compare.ts';
import type { Case } from './golden.ts';

/**
 * Every result of a product is a sum of n terms of both signs: n roundings, each of up to 2⁻²⁴ of a partial sum, which
 * is about as large as the largest result, or 1. Roundings have both signs too, so they add up like √n. Twice that is
 * allowed.
 */
export function matmulTolerance({ inputs, expected, options }: Case, result: string): Tolerance {
  const { shape } = inputs.a!;
  const depth = shape.at(options.transposeA === true ? -2 : -1)!;
  const { values, shape: own } = expected[result]!;
  const terms = (sizeOf(expected.output!.shape) * depth) / Math.max(1, sizeOf(own));
  const largest = (values as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return { atol: 2 ** -23 * Math.sqrt(terms) * largest, rtol: 0 };
}
