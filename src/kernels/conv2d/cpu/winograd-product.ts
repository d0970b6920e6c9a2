/** The products of Winograd's convolution, which contain nearly all of its multiplications. */
import type { Gpu } from '../../../gpu/gpu.ts';
import type { PooledBuffer, PooledTexture } from '../../../gpu/pool.ts';
import { defineKernel, launch } from '../../kernel.ts';
import { shuffleLanes } from '../../shuffle-lanes.ts';
import { copiedAsTexels, TEXELS_A_LINE } from '../../texels.ts';
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

/** Kernels without and with a texture for the operand that may be copied into one. */
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

/** Minimum loads per value that justify a copy into a texture: a copy costs 0.3 ns per value and saves 0.2 per load. */
const LOADS_WORTH_A_COPY = 3;

export interface Extents {
  readonly tile: Tile;
  readonly depth: number;
  readonly rows: number;
  readonly columns: number;
}

/** An operand of the products in a buffer, [position][outer][inner]. */
export interface Operand {
  readonly buffer: PooledBuffer;
  /** Elements of its last extent, and of a position. */
  readonly line: number;
  readonly plane: number;
}

/** The kernels, as winograd-weight writes them. If they are rotated by 180°, their rows are input channels. */
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
  // Patches may be copied if an invocation takes whole texels of them; so may gradients. Each is loaded once for every
  // adjacent workgroup that takes the same ones.
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
