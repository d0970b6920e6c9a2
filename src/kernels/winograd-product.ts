/** The products of Winograd's convolution, in which nearly all of its multiplications are. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer, PooledTexture } from '../gpu/pool.ts';
import { defineKernel, launch } from './kernel.ts';
import { shuffleLanes } from './shuffle-lanes.ts';
import { COLUMNS, planeOf, positionsOf, ROWS, type Tile } from './winograd-shape.ts';

const product = {
  shader: 'winograd-product.wgsl',
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

const productKernel = defineKernel({
  ...product,
  name: 'winograd_product',
  bindings: { a: 'texture_read', b: 'read', output: 'read_write' },
  example: { tile: 4, lanes: 8, columns: 4, kernels: true, turned: false },
});

const gradProductKernel = defineKernel({
  ...product,
  name: 'winograd_grad_product',
  bindings: { a: 'read', b: 'read', output: 'read_write' },
  example: { tile: 4, lanes: 8, columns: 4, kernels: false, turned: false },
});

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
  readonly blocks: number;
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
  launch(gpu, kernels ? productKernel : gradProductKernel, {
    buffers: { a: kernels ? a.kernels : a.buffer, b: b.buffer, output },
    constants: { tile, lanes, columns: perLane, kernels, turned: kernels && a.turned },
    uniforms: {
      depth,
      columns,
      lineA: kernels ? a.blocks : a.line,
      lineB: b.line,
      planeA: kernels ? 0 : a.plane,
      planeB: b.plane,
      planeOutput: planeOf(rows, columns),
    },
    workgroups: [columns / (perLane * lanes), rows / ROWS, positionsOf(tile)],
    label,
  });
}
