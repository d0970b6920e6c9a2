/** The products of Winograd's convolution, in which nearly all of its multiplications are. */
import type { Gpu } from '../../../gpu/gpu.ts';
import type { PooledBuffer, PooledTexture } from '../../../gpu/pool.ts';
import { defineKernel, launch } from '../../kernel.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { copiedAsTexels, TEXELS_A_LINE } from './texels.ts';
import { COLUMNS, planeOf, positionsOf, ROWS, type Tile } from './winograd-shape.ts';

const product = {
  shader: 'conv2d/cpu/winograd-product.wgsl',
  uniforms: {
    depth: 'u32',
    columns: 'u32',
    lineA: 'u32',
    lineB: 'u32',
    planeA: 'u32',
    planeB: 'u32',
    planeOutput: 'u32',
  },
} as const;

const example = { tile: 4, lanes: 8, columns: 4, turned: false };
const [buffer, texture] = ['read', 'texture_read'] as const;

/** By whether the operand that may be copied into a texture is. */
const productKernels = {
  plain: defineKernel({
    ...product,
    name: 'winograd_product',
    bindings: { a: texture, b: buffer, output: 'read_write' },
    example: { ...example, kernels: true, line: 0 },
  }),
  copied: defineKernel({
    ...product,
    name: 'winograd_product_texels',
    bindings: { a: texture, b: texture, output: 'read_write' },
    example: { ...example, kernels: true, line: TEXELS_A_LINE },
  }),
};
const gradProductKernels = {
  plain: defineKernel({
    ...product,
    name: 'winograd_grad_product',
    bindings: { a: buffer, b: buffer, output: 'read_write' },
    example: { ...example, kernels: false, line: 0 },
  }),
  copied: defineKernel({
    ...product,
    name: 'winograd_grad_product_texels',
    bindings: { a: texture, b: buffer, output: 'read_write' },
    example: { ...example, kernels: false, line: TEXELS_A_LINE },
  }),
};

/** How often a number must be loaded for a copy in a texture to pay: one costs 0.3 ns a number, and saves 0.2 a load. */
const LOADS_WORTH_A_COPY = 3;

export interface Extents {
  readonly tile: Tile;
  readonly depth: number;
  readonly rows: number;
  readonly columns: number;
}

/** An operand of the products that is a buffer, [position][outer][inner]. */
export interface Operand {
  readonly buffer: PooledBuffer;
  /** Numbers of its last extent, and of a position. */
  readonly line: number;
  readonly plane: number;
}

/** The kernels, as winograd-weight writes them. Turned by 180 degrees their rows are input channels. */
export interface Kernels {
  readonly kernels: PooledTexture;
  readonly turned: boolean;
}

/** output [position][rows][columns] = the products of kernels and patches, or of gradients and patches. */
export function multiply(
  gpu: Gpu,
  a: Kernels | Operand,
  b: Operand,
  output: PooledBuffer,
  { tile, depth, rows, columns }: Extents,
  label: string,
): void {
  const lanes = shuffleLanes(gpu.traits);
  const perLane = columns < COLUMNS ? 2 : 4;
  const kernels = 'kernels' in a;
  const positions = positionsOf(tile);
  const groups = [columns / (perLane * lanes), rows / ROWS] as const;
  // What may be copied: patches, if an invocation takes whole texels of them, or gradients. They are loaded as often as there
  // are workgroups beside each other that take the same.
  const operand = kernels ? b : a;
  const loads = kernels ? (perLane === 4 ? groups[1] : 0) : groups[0];
  const copy = loads >= LOADS_WORTH_A_COPY && copiedAsTexels(gpu, operand.buffer, positions * operand.plane);
  const loaded = copy || operand.buffer;
  launch(gpu, (kernels ? productKernels : gradProductKernels)[copy ? 'copied' : 'plain'], {
    buffers: { ...(kernels ? { a: a.kernels, b: loaded } : { a: loaded, b: b.buffer }), output },
    constants: {
      tile,
      lanes,
      columns: perLane,
      kernels,
      turned: kernels && a.turned,
      line: copy ? TEXELS_A_LINE : 0,
    },
    uniforms: {
      depth,
      columns,
      lineA: kernels ? 0 : a.line,
      lineB: b.line,
      planeA: kernels ? 0 : a.plane,
      planeB: b.plane,
      planeOutput: planeOf(rows, columns),
    },
    workgroups: [...groups, positions],
    label,
  });
  if (copy) gpu.pool.release(copy);
}
