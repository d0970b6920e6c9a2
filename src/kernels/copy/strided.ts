/** Copies between strided parts of tensors: permuted, cut out, repeated, reversed or put in a place of a larger one. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { launch } from '../kernel.ts';
import { shortestWalk, type Walk } from '../strides.ts';
import { axisUniforms, defineWalks, MOST_AXES, walkOver } from './run.ts';
import { copyTransposed, isTranspose } from './transpose.ts';

/** A part of a tensor, as a copy walks it. */
export interface Part {
  readonly buffer: PooledBuffer;
  /** The step of each extent, in elements; 0 to repeat and negative to reverse. */
  readonly strides: readonly number[];
  /** Its first element; 0 by default. */
  readonly offset?: number;
}

const kernels = defineWalks(
  {
    name: 'copy_strided',
    shader: 'copy/strided.wgsl',
    bindings: { input: 'read', output: 'read_write' },
    uniforms: { count: 'u32', inputOffset: 'i32', outputOffset: 'i32' },
    example: { vector: true },
  },
  { extent: 'u32', input: 'i32', output: 'i32' },
);

/**
 * Copies elements of four bytes by their bits: output[i] = input[i] for all places i within the extents. No two places
 * may have the same element of the output.
 */
export function copyStrided(gpu: Gpu, extents: readonly number[], input: Part, output: Part): void {
  if (extents.includes(0)) return;
  const walk = shortestWalk({ extents, strides: [input.strides, output.strides] });
  copyWalk(gpu, walk, { input: input.buffer, output: output.buffer }, [input.offset ?? 0, output.offset ?? 0]);
}

function copyWalk(
  gpu: Gpu,
  walk: Walk,
  buffers: Readonly<Record<'input' | 'output', PooledBuffer>>,
  offsets: readonly [input: number, output: number],
): void {
  // A copy over more axes than a kernel walks takes a launch for each place on the others.
  if (walk.extents.length > MOST_AXES) {
    const steps = walk.strides.map(([first]) => first!);
    const inner = { extents: walk.extents.slice(1), strides: walk.strides.map((strides) => strides.slice(1)) };
    for (let i = 0; i < walk.extents[0]!; i++) {
      copyWalk(gpu, inner, buffers, [offsets[0] + i * steps[0]!, offsets[1] + i * steps[1]!]);
    }
    return;
  }
  if (gpu.traits.kind === 'gpu' && isTranspose(walk)) {
    copyTransposed(gpu, walk, buffers, offsets);
    return;
  }
  const vector = inVectors(walk, offsets);
  const { extents, strides } = vector ?? walk;
  const [inputOffset, outputOffset] = vector ? offsets.map((offset) => offset / 4) : offsets;
  const count = extents.reduce((product, extent) => product * extent, 1);
  const run = walkOver(gpu.traits.kind, count);
  launch(gpu, kernels[extents.length - 1]!, {
    ...run,
    buffers,
    uniforms: {
      ...{ count, inputOffset: inputOffset!, outputOffset: outputOffset! },
      ...axisUniforms({ extent: extents, input: strides[0]!, output: strides[1]! }),
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
    extents[last]! % 4 === 0 && strides.every((of) => of[last] === 1 && whole(of.slice(0, -1))) && whole(offsets);
  if (!fits) return undefined;
  const quarter = (values: readonly number[]) => values.map((value) => value / 4);
  return {
    extents: extents.with(last, extents[last]! / 4),
    strides: strides.map((of) => [...quarter(of.slice(0, -1)), 1]),
  };
}
