/** Copies between strided parts of tensors: permuted, cut out, repeated, reversed or put in a place of a larger one. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { defineKernel, type Kernel, launch } from '../kernel.ts';
import { shortestWalk, type Walk } from '../strides.ts';
import { walkExample, walkOver } from './run.ts';

/** A part of a tensor, as a copy walks it. */
export interface Part {
  readonly buffer: PooledBuffer;
  /** The step of each extent, in elements; 0 to repeat and negative to reverse. */
  readonly strides: readonly number[];
  /** Its first element; 0 by default. */
  readonly offset?: number;
}

/** Axes that a kernel walks. A copy over more takes a launch for each index of the others. */
const MOST_AXES = 8;

const range = (count: number) => [...Array(count).keys()];

/** A kernel for each number of axes. */
const ranks: readonly Kernel[] = range(MOST_AXES).map((last) =>
  defineKernel({
    name: `copy_strided_${last + 1}`,
    shader: 'copy/strided.wgsl',
    bindings: { input: 'read', output: 'read_write' },
    uniforms: {
      count: 'u32',
      inputOffset: 'i32',
      outputOffset: 'i32',
      ...Object.fromEntries(
        range(last + 1).flatMap((axis) => [
          [`extent${axis}`, 'u32'],
          [`input${axis}`, 'i32'],
          [`output${axis}`, 'i32'],
        ]),
      ),
    },
    example: { ...walkExample, rank: last + 1, vector: true },
  } as const),
);

/**
 * Copies elements of four bytes by their bits: output[i] = input[i] for all places i within the extents. No two places
 * may have the same element of the output.
 */
export function copyStrided(gpu: Gpu, extents: readonly number[], input: Part, output: Part): void {
  if (extents.includes(0)) return;
  const walk = shortestWalk({ extents, strides: [input.strides, output.strides] });
  copyWalk(gpu, walk, [input.buffer, output.buffer], [input.offset ?? 0, output.offset ?? 0]);
}

function copyWalk(
  gpu: Gpu,
  walk: Walk,
  buffers: readonly [input: PooledBuffer, output: PooledBuffer],
  offsets: readonly [input: number, output: number],
): void {
  if (walk.extents.length > MOST_AXES) {
    const [[extent], [input, output]] = [walk.extents, walk.strides.map(([first]) => first!)] as const;
    const inner = { extents: walk.extents.slice(1), strides: walk.strides.map((strides) => strides.slice(1)) };
    for (const i of range(extent!)) {
      copyWalk(gpu, inner, buffers, [offsets[0] + i * input!, offsets[1] + i * output!]);
    }
    return;
  }
  const vector = inVectors(walk, offsets);
  const { extents, strides } = vector ?? walk;
  const [from, to] = strides as [readonly number[], readonly number[]];
  const [inputOffset, outputOffset] = vector ? offsets.map((offset) => offset / 4) : offsets;
  const run = walkOver(gpu.traits.kind, extents.reduce((product, extent) => product * extent, 1));
  launch(gpu, ranks[extents.length - 1]!, {
    ...run,
    buffers: { input: buffers[0], output: buffers[1] },
    uniforms: {
      ...run.uniforms,
      ...{ inputOffset: inputOffset!, outputOffset: outputOffset! },
      ...Object.fromEntries(
        extents.flatMap((extent, axis) => [
          [`extent${axis}`, extent],
          [`input${axis}`, from[axis]!],
          [`output${axis}`, to[axis]!],
        ]),
      ),
    },
    constants: { ...run.constants, rank: extents.length, vector: vector !== undefined },
    label: walk.extents.join('x'),
  });
}

/** The walk in steps of four elements; undefined unless both sides have each four of them side by side and aligned. */
function inVectors({ extents, strides }: Walk, offsets: readonly number[]): Walk | undefined {
  const last = extents.length - 1;
  const whole = (values: readonly number[]) => values.every((value) => value % 4 === 0);
  const fits =
    extents[last]! % 4 === 0 &&
    strides.every((of) => of[last] === 1 && whole(of.slice(0, -1))) &&
    whole(offsets);
  if (!fits) return undefined;
  const quarter = (values: readonly number[]) => values.map((value) => value / 4);
  return {
    extents: extents.with(last, extents[last]! / 4),
    strides: strides.map((of) => [...quarter(of.slice(0, -1)), 1]),
  };
}
