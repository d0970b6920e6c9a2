/** Copies from a buffer into a texture, in the pieces that WebGPU takes. */
import type { PooledBuffer, PooledTexture } from './pool.ts';
import type { WebGpuCommandEncoder } from './webgpu-types.ts';

/** A part of a texture. */
export interface TexturePart {
  readonly firstLine?: number;
  readonly texels?: number;
}

/** Records the copy of `texels` texels into a texture from the start of a line on. By default they fill the rest of it. */
export function recordTextureCopy(
  encoder: WebGpuCommandEncoder,
  source: PooledBuffer,
  { texture, width, height }: PooledTexture,
  { firstLine = 0, texels = width * (height - firstLine) }: TexturePart,
): void {
  const [lines, rest] = [Math.floor(texels / width), texels % width];
  const bytesPerRow = 16 * width;
  if (lines > 0) {
    const from = { buffer: source.buffer, bytesPerRow };
    encoder.copyBufferToTexture(from, { texture, origin: [0, firstLine] }, [width, lines]);
  }
  if (rest > 0) {
    const from = { buffer: source.buffer, offset: lines * bytesPerRow };
    encoder.copyBufferToTexture(from, { texture, origin: [0, firstLine + lines] }, [rest, 1]);
  }
}
