/** Tensors as textures, for kernels on CPU adapters that load each number often. */
import type { Gpu } from '../../../gpu/gpu.ts';
import { MOST_TEXELS, type PooledBuffer, type PooledTexture } from '../../../gpu/pool.ts';
import { linearGrid } from '../../grid.ts';
import { defineKernel, launch } from '../../kernel.ts';

/** Texels of a line of the texture, whatever the rows of the tensor: a power of two, of which 128 MiB fit a texture. */
export const TEXELS_A_LINE = 1024;

/** Bytes of the buffer that a texture is filled from: it takes memory, and what fits the caches is copied faster. */
const PIECE = 4 * 2 ** 20;

/**
 * Fills a texture, whose lines are whole multiples of 16 texels, by way of a buffer, piece by piece: `write` fills the buffer with
 * `lines` lines from `firstLine` on, both whole multiples of `together`. On lavapipe such a copy moves more than 10 GB/s, while a
 * kernel's store of a texel costs four times as much as one to a buffer.
 */
export function fillTexture(
  gpu: Gpu,
  target: PooledTexture,
  together: number,
  write: (source: PooledBuffer, firstLine: number, lines: number) => void,
): void {
  const { width, height } = target;
  const some = together * Math.max(1, Math.floor(PIECE / (16 * width * together)));
  for (let firstLine = 0; firstLine < height; firstLine += some) {
    const lines = Math.min(some, height - firstLine);
    const source = gpu.pool.acquire(16 * width * lines);
    write(source, firstLine, lines);
    gpu.copyToTexture(source, target, { firstLine, texels: width * lines });
    gpu.pool.release(source);
  }
}

/** A texture with the numbers of a buffer, four a texel, in lines of `TEXELS_A_LINE`. The caller releases it. */
export function copiedAsTexels(gpu: Gpu, source: PooledBuffer, numbers: number): PooledTexture {
  const texels = Math.ceil(numbers / 4);
  const texture = gpu.pool.acquireTexture(TEXELS_A_LINE, Math.ceil(texels / TEXELS_A_LINE));
  gpu.copyToTexture(source, texture, { texels });
  return texture;
}

/** Texels that `rows` rows of `width` numbers take, each filled up to whole ones. */
const texelsOf = (rows: number, width: number) => rows * Math.ceil(width / 4);

/** Whether the rows fit a texture on every device. */
export const fitsTexels = (rows: number, width: number) => texelsOf(rows, width) <= TEXELS_A_LINE * MOST_TEXELS;

const kernel = defineKernel({
  name: 'texels',
  shader: 'conv2d/cpu/texels.wgsl',
  bindings: { input: 'read', texels: 'texture_write' },
  uniforms: { rows: 'u32', width: 'u32', texels: 'u32' },
  example: { line: TEXELS_A_LINE },
});

/** A texture with the `rows` rows of `width` numbers of a buffer, each filled up with zeros to whole texels. The caller releases it. */
export function asTexels(gpu: Gpu, input: PooledBuffer, rows: number, width: number, label: string): PooledTexture {
  const count = texelsOf(rows, width);
  const texture = gpu.pool.acquireTexture(Math.min(count, TEXELS_A_LINE), Math.ceil(count / TEXELS_A_LINE));
  const [x, y] = linearGrid(count, 64);
  launch(gpu, kernel, {
    buffers: { input, texels: texture },
    constants: { line: TEXELS_A_LINE },
    uniforms: { rows, width, texels: texelsOf(1, width) },
    workgroups: [x, y, 1],
    label,
  });
  return texture;
}
