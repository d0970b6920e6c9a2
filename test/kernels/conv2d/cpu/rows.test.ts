/**
 * The packing of weights for the rows kernels, and the phases of an input gradient, over all shapes. Needs no device.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forwardTile, packedBytes, packPlan } from '../../../../src/kernels/conv2d/cpu/rows.ts';
import { inputGradPhases, phaseSteps, phaseTaps } from '../../../../src/kernels/conv2d/phases.ts';
import { type Conv2dShape, convolvedExtent } from '../../../../src/kernels/conv2d/shape.ts';

const upTo = (max: number, min = 1) => fc.integer({ min, max });

const axis = fc
  .record({
    extent: upTo(14),
    kernel: upTo(7),
    stride: upTo(6),
    padding: upTo(7, 0),
    dilation: fc.oneof(fc.constant(1), upTo(4)),
  })
  .map((one) => ({ ...one, out: convolvedExtent(one.extent, one.kernel, one.stride, one.padding, one.dilation) }))
  .filter(({ out }) => out >= 1);

const shapes: fc.Arbitrary<Conv2dShape> = fc
  .record({ batch: upTo(3), inChannels: upTo(70), outChannels: upTo(70), vertical: axis, horizontal: axis })
  .map(({ vertical, horizontal, ...channels }) => ({
    ...channels,
    inHeight: vertical.extent,
    inWidth: horizontal.extent,
    kernelHeight: vertical.kernel,
    kernelWidth: horizontal.kernel,
    strideHeight: vertical.stride,
    strideWidth: horizontal.stride,
    paddingHeight: vertical.padding,
    paddingWidth: horizontal.padding,
    dilationHeight: vertical.dilation,
    dilationWidth: horizontal.dilation,
    outHeight: vertical.out,
    outWidth: horizontal.out,
  }));

/** The taps of one axis that a phase uses, in order. */
const tapsOf = ({ first, count }: { first: number; count: number }, stride: number, dilation?: number) =>
  Array.from({ length: count }, (_, i) => first - i * phaseSteps(stride, dilation).taps);

describe('phaseTaps', () => {
  test('of all phases of an axis give every tap once', () => {
    fc.assert(
      fc.property(axis, ({ kernel, stride, padding, dilation }) => {
        const phases = Array.from({ length: stride }, (_, phase) =>
          phaseTaps(phase, kernel, stride, padding, dilation),
        );
        const taps = phases.flatMap((phase) => tapsOf(phase, stride, dilation)).sort((a, b) => a - b);
        expect(taps).toEqual(Array.from({ length: kernel }, (_, tap) => tap));
      }),
    );
  });

  test('read, for each input position, exactly the outputs that read it', () => {
    fc.assert(
      fc.property(axis, ({ extent, kernel, stride, padding, dilation, out }) => {
        for (let position = 0; position < extent; position++) {
          const phase = phaseTaps(position % stride, kernel, stride, padding, dilation);
          const place = Math.floor(position / stride);
          const { outputs } = phaseSteps(stride, dilation);
          const read = tapsOf(phase, stride, dilation)
            .map((tap, i) => [tap, phase.origin + place + i * outputs])
            .filter(([, output]) => output! >= 0 && output! < out);
          const expected = [];
          for (let output = 0; output < out; output++) {
            const tap = (position - (output * stride - padding)) / dilation;
            if (Number.isInteger(tap) && tap >= 0 && tap < kernel) expected.push([tap, output]);
          }
          expect(read).toEqual(expected);
        }
      }),
    );
  });

  test('are none if the stride passes beyond the kernel', () => {
    expect(phaseTaps(0, 1, 2, 0)).toEqual({ first: 0, count: 1, origin: 0 });
    expect(phaseTaps(1, 1, 2, 0)).toEqual({ first: 0, count: 0, origin: 0 });
  });
});

describe('inputGradPhases', () => {
  test('contain every input pixel once', () => {
    fc.assert(
      fc.property(shapes, (s) => {
        const times = new Array<number>(s.inHeight * s.inWidth).fill(0);
        for (const { row, column } of inputGradPhases(s)) {
          for (let y = row; y < s.inHeight; y += s.strideHeight) {
            for (let x = column; x < s.inWidth; x += s.strideWidth) times[y * s.inWidth + x]!++;
          }
        }
        expect(times).toEqual(times.map(() => 1));
      }),
    );
  });

  test('contain every tap once, except taps of pixels beyond a small input', () => {
    fc.assert(
      fc.property(shapes, (s) => {
        const times = new Array<number>(s.kernelHeight * s.kernelWidth).fill(0);
        for (const { rows, columns } of inputGradPhases(s)) {
          for (const y of tapsOf(rows, s.strideHeight, s.dilationHeight)) {
            for (const x of tapsOf(columns, s.strideWidth, s.dilationWidth)) {
              expect([y, x].every((tap, i) => tap >= 0 && tap < [s.kernelHeight, s.kernelWidth][i]!)).toBe(true);
              times[y * s.kernelWidth + x]!++;
            }
          }
        }
        const whole = s.inHeight >= s.strideHeight && s.inWidth >= s.strideWidth;
        if (whole) expect(times).toEqual(times.map(() => 1));
        else expect(Math.max(...times)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('have no taps if one axis has none', () => {
    fc.assert(
      fc.property(shapes, (s) => {
        for (const { rows, columns } of inputGradPhases(s)) expect(rows.count > 0).toBe(columns.count > 0);
      }),
    );
  });

  test('are a single phase if the stride is 1, with all taps from the last to the first', () => {
    const s = fc.sample(shapes, { numRuns: 1, seed: 1 })[0]!;
    const plain = { strideHeight: 1, strideWidth: 1, dilationHeight: 1, dilationWidth: 1 };
    const one = { ...s, ...plain, kernelHeight: 3, kernelWidth: 5, paddingHeight: 1 };
    const phases = inputGradPhases({ ...one, paddingWidth: 2 });
    expect(phases).toHaveLength(1);
    expect(phases[0]).toEqual({
      ...{ row: 0, column: 0 },
      rows: { first: 2, count: 3, origin: -1 },
      columns: { first: 4, count: 5, origin: -2 },
    });
  });
});

describe('packPlan', () => {
  test('finds each weight at its place in OIHW', () => {
    fc.assert(
      fc.property(shapes, upTo(4), (s, tiles) => {
        const taps = s.kernelHeight * s.kernelWidth;
        const forward = packPlan(s, 'forward', 8 * tiles);
        const inputGrad = packPlan(s, 'inputGrad', 8 * tiles);
        expect(forward).toMatchObject({ channels: s.inChannels, resultChannels: s.outChannels });
        expect(inputGrad).toMatchObject({ channels: s.outChannels, resultChannels: s.inChannels });
        for (const [o, i] of [
          [0, 0],
          [s.outChannels - 1, 0],
          [0, s.inChannels - 1],
          [s.outChannels - 1, s.inChannels - 1],
        ] as const) {
          const place = (o * s.inChannels + i) * taps;
          expect(i * forward.channelStride + o * forward.resultStride).toBe(place);
          expect(o * inputGrad.channelStride + i * inputGrad.resultStride).toBe(place);
        }
      }),
    );
  });

  test('pads the result’s channels to whole tiles, and buffers by the reach of the last lane', () => {
    fc.assert(
      fc.property(shapes, upTo(4), (s, tiles) => {
        for (const plan of [packPlan(s, 'forward', 8 * tiles), packPlan(s, 'inputGrad', 8 * tiles)]) {
          expect(plan.packedChannels % plan.tile).toBe(0);
          expect(plan.packedChannels).toBeGreaterThanOrEqual(plan.resultChannels);
          expect(plan.packedChannels - plan.resultChannels).toBeLessThan(plan.tile);
          expect(packedBytes(plan)).toBe(
            (plan.channels * s.kernelHeight * s.kernelWidth * plan.packedChannels + 32) * 4,
          );
        }
      }),
    );
  });
});

test('tiles of the forward pass have whole vectors of pixels, or 7 pixels', () => {
  fc.assert(
    fc.property(shapes, (s) => {
      const { tile, pixels } = forwardTile(s);
      expect(tile % 4).toBe(0);
      expect([4, 7, 8]).toContain(pixels);
      if (pixels === 4) expect(s.outWidth % 4).toBe(0);
    }),
  );
});
