/** The lists that shaders unroll, checked as properties over all constants. Needs no device. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unrollRows } from '../../src/kernels/conv2d/cpu/rows.ts';
import { unrollWeightGrad } from '../../src/kernels/conv2d/cpu/rows-weight-grad.ts';
import { unrollStem } from '../../src/kernels/conv2d/cpu/stem.ts';
import { inputColumns, inputLoads } from '../../src/kernels/conv2d/input-loads.ts';
import {
  ADAPTIVE_WINDOWS,
  unrollBackward,
  unrollForward,
  windowLoads,
  windowsOver,
} from '../../src/kernels/pooling/unrolled-windows.ts';

const from = (min: number, max: number) => fc.integer({ min, max });
const vectors = fc.constantFrom(1, 2, 4);
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('inputColumns', () => {
  test('are the columns that some tap of some output reads', () => {
    expect(inputColumns(4, 3, 1)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(inputColumns(4, 3, 2)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    // No tap reads some columns if the stride is larger than the kernel.
    expect(inputColumns(3, 1, 3)).toEqual([0, 3, 6]);
    expect(inputColumns(2, 2, 4)).toEqual([0, 1, 4, 5]);
  });
});

describe('inputLoads', () => {
  const cases = fc
    .record({ outputs: from(1, 8), taps: from(1, 7), stride: from(1, 4), vector: vectors, early: fc.boolean() })
    .chain((one) => from(0, one.vector - 1).map((align) => ({ ...one, align })));

  test('for three taps that start one float before a vector', () => {
    const columns = inputColumns(4, 3, 1);
    const loads = (early: boolean) => inputLoads(columns, { vector: 4, align: 1, early });
    expect(loads(false)).toEqual([
      { first: 0, floats: 1, wanted: [0], component: 3 },
      { first: 1, floats: 4, wanted: [1, 2, 3, 4], component: 0 },
      { first: 5, floats: 1, wanted: [5], component: 0 },
    ]);
    // Three taps require one float of the vector that begins before column 0, and seven taps require three.
    expect(loads(true)).toEqual(loads(false));
    const seven = inputLoads(inputColumns(8, 7, 2), { vector: 4, align: 3, early: true });
    expect(seven[0]).toEqual({ first: -1, floats: 4, wanted: [0, 1, 2], component: 0 });
  });

  test('load every column once, in aligned vectors of which more than half is required', () => {
    fc.assert(
      fc.property(cases, ({ outputs, taps, stride, vector, align, early }) => {
        const columns = inputColumns(outputs, taps, stride);
        const loads = inputLoads(columns, { vector, align, early });
        expect(loads.flatMap(({ wanted }) => wanted)).toEqual(columns);
        for (const { first, floats, wanted, component } of loads) {
          expect(wanted.every((column) => column >= first && column < first + floats)).toBe(true);
          // Vectors of the row begin at `align` plus multiples of `vector`.
          expect((first - component - align) % vector === 0 && component >= 0 && component < vector).toBe(true);
          if (floats === 1) continue;
          expect({ floats, component }).toEqual({ floats: vector, component: 0 });
          expect(wanted.length * 2).toBeGreaterThan(vector);
          if (!early) expect(first).toBe(wanted[0]);
        }
      }),
    );
  });
});

const PLAIN = { dilationHeight: 1, dilationWidth: 1, texels: 0 };

describe('unrollWeightGrad', () => {
  test('divides the gradients of a tile among the lanes, and loads each of their columns once', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 4, 8), vectors, (lanes, gradVector) => {
        const constants = { taps: 3, units: 3, tile: 16, strideWidth: 1, roll: 1, inVector: 4, inAlign: 1, ...PLAIN };
        const plan = unrollWeightGrad({ ...constants, lanes, gradVector });
        expect(plan.channelsPerLane * (lanes || 1)).toBe(16);
        expect(plan.gradLoads.flatMap(({ first, floats }) => range(floats).map((i) => first + i))).toEqual([
          0, 1, 2, 3,
        ]);
        // The first column of a block always lies inside the row.
        expect(plan.gradLoads.map(({ masked }) => masked)).toEqual(plan.gradLoads.map(({ first }) => first > 0));
      }),
    );
  });
});

describe('unrollRows', () => {
  test('finds each weight in the packed layout: tap after tap, with a tile of channels each', () => {
    const steps = fc.constantFrom(1, -1, -2, -3);
    fc.assert(
      fc.property(
        steps,
        from(1, 7),
        fc.constantFrom(4, 8, 20, 32),
        fc.constantFrom(0, 4, 8),
        (tapStep, taps, tile, lanes) => {
          const constants = { pixels: 7, strideWidth: 1, loopTaps: false, inVector: 1, inAlign: 0, outVector: 1 };
          const { weightLoads, weightAt } = unrollRows({ ...constants, ...PLAIN, taps, tapStep, tile, lanes });
          for (let tap = 0; tap < taps; tap++) {
            for (let channel = 0; channel < tile; channel++) {
              const { name, component, lane } = weightAt(tap, channel);
              const { offset } = weightLoads.find((load) => load.name === name)!;
              expect(4 * (offset + lane) + 'xyzw'.indexOf(component!)).toBe(tap * tapStep * tile + channel);
            }
          }
        },
      ),
    );
  });
});

describe('unrollStem', () => {
  const cases = fc.record({
    channels: from(1, 3),
    lanes: fc.constantFrom(4, 8),
    inVector: vectors,
    inAlign: from(0, 3),
  });

  test('takes every value of a kernel from its lane before its use, and computes 100 products a channel', () => {
    fc.assert(
      fc.property(cases, ({ channels, lanes, inVector, inAlign }) => {
        const plan = unrollStem({ channels, lanes, inVector, inAlign: inAlign % inVector, outVector: 1 });
        const known = new Set<number>();
        for (const { products, fresh } of plan.sums) {
          for (const { n, load, component, lane } of fresh) {
            expect(4 * (load * lanes + lane) + 'xyzw'.indexOf(component!)).toBe(n);
            expect(load).toBeLessThan(plan.vectorsPerLane);
            expect(known.has(n)).toBe(false);
            known.add(n);
          }
          for (const { n } of products) expect(known.has(n)).toBe(true);
        }
        expect(known.size).toBe(81 * channels);
        expect(plan.sums.flatMap(({ products }) => products)).toHaveLength(100 * channels);
        const places = plan.sums.flatMap(({ products }) => products.map(({ r, c, i }) => `${r} ${c} ${i}`));
        expect(new Set(places).size).toBe(100 * channels);
      }),
    );
  });

  test('loads every column of two tiles', () => {
    const { columns, loads } = unrollStem({ channels: 3, lanes: 8, inVector: 4, inAlign: 3, outVector: 4 });
    expect({ columns, loads }).toEqual({ columns: 13, loads: [-1, 3, 7, 11] });
  });
});

describe('max pooling’s gradient', () => {
  const axis = fc
    .record({ stride: from(1, 4), kernel: from(1, 7), tile: from(1, 3) })
    .chain((one) => from(0, one.kernel >> 1).map((padding) => ({ ...one, padding })));

  test('windowsOver lists the windows that contain a pixel', () => {
    fc.assert(
      fc.property(axis, ({ stride, kernel, padding, tile }) => {
        for (let at = 0; at < tile * stride; at++) {
          const expected = range(40)
            .map((i) => i - 20)
            .filter((o) => o * stride - padding <= at && at < o * stride - padding + kernel);
          expect(windowsOver(at, stride, kernel, padding)).toEqual(expected);
        }
      }),
    );
  });

  test('windowLoads loads every window once, as a vector only if all of it is needed', () => {
    expect(windowLoads([-1, 0, 1, 2, 3, 4], 4)).toEqual([
      { first: -1, floats: 1, component: 3 },
      { first: 0, floats: 4, component: 0 },
      { first: 4, floats: 1, component: 0 },
    ]);
    fc.assert(
      fc.property(from(-4, 0), from(0, 12), vectors, (first, count, vector) => {
        const windows = range(count).map((i) => first + i);
        const loads = windowLoads(windows, vector);
        expect(loads.flatMap((load) => range(load.floats).map((i) => load.first + i))).toEqual(windows);
        for (const load of loads) if (load.floats > 1) expect(load.first % vector).toBe(0);
      }),
    );
  });

  test('unrollBackward lists the windows of a 3×3 pooling with stride 2', () => {
    const size = {
      kernelHeight: 3,
      kernelWidth: 3,
      strideHeight: 2,
      strideWidth: 2,
      paddingHeight: 1,
      paddingWidth: 1,
    };
    const rest = { rows: 2, columns: 4, loops: false, inVector: 2, outVector: 4, lanesX: 2, lanesY: 4 };
    const plan = unrollBackward({ ...size, ...rest });
    expect(plan.rowWindows).toEqual([[0], [0, 1]]);
    expect(plan.columnWindows).toEqual([[0], [0, 1], [1], [1, 2]]);
    expect(plan.windowLoads).toEqual([
      { first: 0, floats: 2, component: 0 },
      { first: 2, floats: 1, component: 0 },
    ]);
  });

  test('unrollForward lists the columns that the windows read', () => {
    fc.assert(
      fc.property(from(1, 6), from(1, 6), from(1, 4), (kernelWidth, strideWidth, columns) => {
        const { inputColumns: listed } = unrollForward({ columns, kernelWidth, strideWidth, loops: false });
        expect(listed).toEqual(inputColumns(columns, kernelWidth, strideWidth));
      }),
    );
  });

  test('no more than two adaptive windows cover a pixel, if there are no more windows than pixels', () => {
    fc.assert(
      fc.property(from(1, 60), from(1, 60), (one, other) => {
        const [windows, pixels] = [Math.min(one, other), Math.max(one, other)];
        for (let at = 0; at < pixels; at++) {
          const over = range(windows).filter(
            (o) => Math.floor((o * pixels) / windows) <= at && at < Math.ceil(((o + 1) * pixels) / windows),
          );
          expect(ADAPTIVE_WINDOWS.windowRows.slice(0, over.length)).toEqual(over.map((o) => o - over[0]!));
        }
      }),
    );
  });
});
