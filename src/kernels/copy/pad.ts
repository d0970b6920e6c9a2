/** Padding on any axes by a constant, by reflection, by the edge or around, and its gradient. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { launch } from '../kernel.ts';
import { stridesOf } from '../strides.ts';
import { axisUniforms, defineWalks, walkOver } from './run.ts';
import { copyStrided } from './strided.ts';

/** What padding shows; the shaders take the index. */
export const PAD_MODES = ['constant', 'reflect', 'replicate', 'circular'] as const;
export type PadMode = (typeof PAD_MODES)[number];

/** An axis of the input with the elements before and after it. A negative count leaves out some of its own. */
export interface PaddedAxis {
  readonly extent: number;
  readonly before: number;
  readonly after: number;
}

const forward = defineWalks(
  {
    name: 'pad',
    shader: 'copy/pad.wgsl',
    bindings: { input: 'read', output: 'read_write' },
    uniforms: { count: 'u32', fill: 'u32' },
    example: { mode: 0, vector: true },
  },
  { extent: 'u32', inside: 'i32', before: 'i32' },
);

const backward = defineWalks(
  {
    name: 'pad_backward',
    shader: 'copy/pad-backward.wgsl',
    bindings: { outputGrad: 'read', inputGrad: 'read_write' },
    uniforms: { count: 'u32' },
    example: { mode: 1, padded: 1 },
  },
  { extent: 'u32', padded: 'i32', before: 'i32' },
);

const paddedExtent = ({ extent, before, after }: PaddedAxis) => before + extent + after;
const product = (counts: readonly number[]) => counts.reduce((result, count) => result * count, 1);

/**
 * Fewer axes for the same copy: one without padding counts as one with the axis before it. Beside an axis with padding
 * it does so only if padding is a constant, because the other modes go by single places.
 */
export function joinedAxes(mode: PadMode, axes: readonly PaddedAxis[]): readonly PaddedAxis[] {
  const joined: PaddedAxis[] = [];
  for (const axis of axes) {
    const outer = joined.at(-1);
    const padded = (of: PaddedAxis) => of.before !== 0 || of.after !== 0;
    if (outer && !padded(axis) && (mode === 'constant' || !padded(outer))) {
      const { extent } = axis;
      joined[joined.length - 1] = {
        extent: outer.extent * extent,
        before: outer.before * extent,
        after: outer.after * extent,
      };
    } else if (outer && outer.extent === 1 && !padded(outer)) {
      joined[joined.length - 1] = axis;
    } else {
      joined.push(axis);
    }
  }
  return joined.length > 0 ? joined : [{ extent: 1, before: 0, after: 0 }];
}

/** The last axis in steps of four, if that divides it all, and no four are mirrored. */
function inVectors(mode: PadMode, axes: readonly PaddedAxis[]): readonly PaddedAxis[] | undefined {
  const { extent, before, after } = axes.at(-1)!;
  const moves = mode === 'constant' || (before === 0 && after === 0);
  if (!moves || [extent, before, after].some((count) => count % 4 !== 0)) return undefined;
  return axes.with(-1, { extent: extent / 4, before: before / 4, after: after / 4 });
}

/**
 * output = input with its padding; elements of four bytes, by their bits. A constant has the bits `fill`. Reflection
 * needs less padding than the axis is long, padding around at most as much, by the edge at least one element.
 */
export function pad(
  gpu: Gpu,
  mode: PadMode,
  axes: readonly PaddedAxis[],
  fill: number,
  { input, output }: Readonly<Record<'input' | 'output', PooledBuffer>>,
): void {
  const extents = axes.map(paddedExtent);
  if (extents.includes(0)) return;
  if (axes.every(({ before, after }) => before <= 0 && after <= 0)) {
    const strides = stridesOf(axes.map(({ extent }) => extent));
    const offset = axes.reduce((sum, { before }, axis) => sum - before * strides[axis]!, 0);
    copyStrided(gpu, extents, { buffer: input, strides, offset }, { buffer: output, strides: stridesOf(extents) });
    return;
  }
  const joined = joinedAxes(mode, axes);
  const vector = inVectors(mode, joined);
  const walked = vector ?? joined;
  const count = product(walked.map(paddedExtent));
  const run = walkOver(gpu.traits.kind, count);
  launch(gpu, forward[walked.length - 1]!, {
    ...run,
    buffers: { input, output },
    uniforms: {
      ...{ count, fill },
      ...axisUniforms({
        extent: walked.map(paddedExtent),
        inside: walked.map(({ extent }) => extent),
        before: walked.map(({ before }) => before),
      }),
    },
    constants: {
      ...run.constants,
      rank: walked.length,
      mode: PAD_MODES.indexOf(mode),
      vector: vector !== undefined,
    },
    label: `${mode} ${extents.join('x')}`,
  });
}

/**
 * inputGrad = for each element the sum of outputGrad over its copies; f32, and some axis has padding. The gradient of a
 * constant padding is a padding too, by the negative counts.
 */
export function padBackward(
  gpu: Gpu,
  mode: PadMode,
  axes: readonly PaddedAxis[],
  { outputGrad, inputGrad }: Readonly<Record<'outputGrad' | 'inputGrad', PooledBuffer>>,
): void {
  const walked = joinedAxes(mode, axes);
  const extents = walked.map(({ extent }) => extent);
  const count = product(extents);
  /** A bit for each axis with padding. */
  const padded = walked.reduce((bits, { before, after }, i) => bits | (before !== 0 || after !== 0 ? 1 << i : 0), 0);
  const run = walkOver(gpu.traits.kind, count);
  launch(gpu, backward[walked.length - 1]!, {
    ...run,
    buffers: { outputGrad, inputGrad },
    uniforms: {
      count,
      ...axisUniforms({
        extent: extents,
        padded: walked.map(paddedExtent),
        before: walked.map(({ before }) => before),
      }),
    },
    constants: { ...run.constants, rank: walked.length, mode: PAD_MODES.indexOf(mode), padded },
    label: `${mode} ${axes.map(({ extent }) => extent).join('x')}`,
  });
}
