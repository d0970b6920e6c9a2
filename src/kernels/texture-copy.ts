/** Copies from a buffer into a texture, in the pieces that WebGPU takes. */
import type { Gpu } from '../gpu/gpu.ts';
import type { PooledBuffer, PooledTexture } from '../gpu/pool.ts';

/** A part of a texture. */
export interface TexturePart {
  readonly firstLine?: number;
  readonly texels?: number;
}

/**
 * Copies the first values of a buffer into `texels` texels of a texture, from the start of a line. Lines are whole
 * multiples of 16 texels. By default the texels fill the rest of the texture.
 */
export function copyToTexture(
  gpu: Gpu,
  source: PooledBuffer,
  { texture, width, height }: PooledTexture,
  { firstLine = 0, texels = width * (height - firstLine) }: TexturePart = {},
): void {
  const [lines, rest] = [Math.floor(texels / width), texels % width];
  const bytesPerRow = 16 * width;
  gpu.encode((encoder) => {
    if (lines > 0) {
      const from = { buffer: source.buffer, bytesPerRow };
      encoder.copyBufferToTexture(from, { texture, origin: [0, firstLine] }, [width, lines]);
    }
    if (rest > 0) {
      const from = { buffer: source.buffer, offset: lines * bytesPerRow };
      encoder.copyBufferToTexture(from, { texture, origin: [0, firstLine + lines] }, [rest, 1]);
    }
  });
}
