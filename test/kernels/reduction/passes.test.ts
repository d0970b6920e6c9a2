/** Reductions over any dimensions as passes: properties over random shapes. Needs no device. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passesOf, passRun, reductionsOf } from '../../../src/kernels/reduction/passes.ts';

const kinds = fc.constantFrom('cpu', 'gpu') as fc.Arbitrary<'cpu' | 'gpu'>;
const product = (extents: readonly number[]) => extents.reduce((all, extent) => all * extent, 1);

describe('reductionsOf', () => {
  test('joins neighbours, and reduces the largest first', () => {
    expect(reductionsOf([4, 5, 6], [4, 1, 1])).toEqual([{ outer: 4, terms: 30, inner: 1 }]);
    expect(reductionsOf([4, 5, 6], [6])).toEqual([{ outer: 1, terms: 20, inner: 6 }]);
    expect(reductionsOf([4, 1, 5, 1, 6], [5, 1, 1])).toEqual([
      { outer: 20, terms: 6, inner: 1 },
      { outer: 1, terms: 4, inner: 5 },
    ]);
    expect(reductionsOf([7, 5], [7, 5])).toEqual([{ outer: 1, terms: 1, inner: 35 }]);
    expect(reductionsOf([], [])).toEqual([{ outer: 1, terms: 1, inner: 1 }]);
  });

  test('each starts with the result of the one before', () => {
    const dims = fc.array(fc.record({ extent: fc.integer({ min: 1, max: 9 }), reduced: fc.boolean() }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(dims, (all) => {
        const shape = all.map(({ extent }) => extent);
        const kept = all.map(({ extent, reduced }) => (reduced ? 1 : extent));
        let size = product(shape);
        for (const { outer, terms, inner } of reductionsOf(shape, kept)) {
          expect(outer * terms * inner).toBe(size);
          size = outer * inner;
        }
        expect(size).toBe(product(kept));
      }),
    );
  });
});

describe('passesOf', () => {
  const extents = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 100_000 }));
  const reductions = fc
    .record({ outer: extents, terms: extents, inner: extents })
    .filter(({ outer, terms, inner }) => outer * terms * inner < 2 ** 31);

  test('slices cover all terms, none is empty, and the last pass has one', () => {
    fc.assert(
      fc.property(kinds, reductions, (kind, reduction) => {
        const passes = passesOf(kind, reduction);
        let { terms } = reduction;
        for (const pass of passes) {
          expect(pass).toMatchObject({ outer: reduction.outer, terms, inner: reduction.inner });
          expect(pass.slices * pass.share).toBeGreaterThanOrEqual(terms);
          expect((pass.slices - 1) * pass.share).toBeLessThan(terms);
          terms = pass.slices;
        }
        expect(terms).toBe(1);
        expect(passes.length).toBeLessThanOrEqual(4);
      }),
    );
  });

  test('every output has its invocations, in whole vectors and powers of 2', () => {
    fc.assert(
      fc.property(kinds, reductions, (kind, reduction) => {
        for (const pass of passesOf(kind, reduction)) {
          const { uniforms, workgroups, constants } = passRun(kind, pass);
          for (const value of Object.values(uniforms)) expect(Number.isInteger(value) && value > 0).toBe(true);
          const perGroup = (constants.workgroup / constants.across) * uniforms.items;
          expect(product(workgroups) * perGroup).toBeGreaterThanOrEqual(uniforms.outputs);
          expect(Math.log2(constants.across) % 1).toBe(0);
          expect(constants.workgroup % constants.across).toBe(0);
          expect(constants.workgroup).toBeLessThanOrEqual(256);
        }
      }),
    );
  });

  test('a long row takes several workgroups, many rows take one pass', () => {
    for (const kind of ['cpu', 'gpu'] as const) {
      expect(passesOf(kind, { outer: 1, terms: 1_000_000, inner: 1 })[0]!.slices).toBeGreaterThan(100);
      expect(passesOf(kind, { outer: 70_000, terms: 100, inner: 1 })).toHaveLength(1);
      expect(passesOf(kind, { outer: 1, terms: 50_000, inner: 3 })[0]!.slices).toBeGreaterThan(20);
    }
  });
});
