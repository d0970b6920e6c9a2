/** Copies tensors into textures, for kernels on CPU adapters that load each value often. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer, PooledTexture } from '../gpu/pool.ts';
import { linearGrid } from './grid.ts';
import { defineKernel, launch } from './kernel.ts';
import { copyToTexture } from './texture-copy.ts';

/** Most texels per line, and most lines, that WebGPU guarantees on every device. */
export const MOST_TEXELS = 8192;

/** Texels per line of the texture, for any tensor: a power of two, with which a texture holds 128 MiB. */
export const TEXELS_A_LINE = 1024;

/** Bytes of the buffer that fills a texture. A small one saves memory, and copies faster if it fits the caches. */
const PIECE = 4 * 2 ** 20;

/**
 * Fills a texture, whose lines are multiples of 16 texels, through a buffer, piece by piece. `write` fills the buffer
 * with `lines` lines from `firstLine` on, both multiples of `together`. On lavapipe such a copy moves more than 10
 * GB/s. A kernel's store of a texel would cost four times as much as a store to a buffer.
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
    copyToTexture(gpu, source, target, { firstLine, texels: width * lines });
    gpu.pool.release(source);
  }
}

/** Copies a buffer's values into a texture, four per texel, in lines of `TEXELS_A_LINE`. The caller releases it. */
export function copiedAsTexels(gpu: Gpu, source: PooledBuffer, numbers: number): PooledTexture {
  const texels = Math.ceil(numbers / 4);
  const texture = gpu.pool.acquireTexture(TEXELS_A_LINE, Math.ceil(texels / TEXELS_A_LINE));
  copyToTexture(gpu, source, texture, { texels });
  return texture;
}

/** Returns the texels of `rows` rows of `width` values, each row padded to whole texels. */
const texelsOf = (rows: number, width: number) => rows * Math.ceil(width / 4);

/** Returns whether the rows fit a texture on every device. */
export const fitsTexels = (rows: number, width: number) => texelsOf(rows, width) <= TEXELS_A_LINE * MOST_TEXELS;

const kernel = defineKernel({
  name: 'texels',
  shader: 'texels.wgsl',
  bindings: { input: 'read', texels: 'texture_write' },
  uniforms: { rows: 'u32', width: 'u32', texels: 'u32' },
  example: { line: TEXELS_A_LINE },
});

/** Copies `rows` rows of `width` values into a texture; zeros fill each row's last texel. The caller releases it. */
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
