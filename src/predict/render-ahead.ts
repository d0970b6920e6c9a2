/** Decodes pictures ahead of use and returns them in order; the number in progress is bounded. */
import { type DecoderPool, normalize, type Picture, type ValTransform, valCrop } from '../data/index.ts';
import { DawngradError, FileError } from '../errors.ts';

/** A picture to predict: a file's path or its pixels. */
export type PictureInput = string | Picture;

/** A file that could not be read as a picture. */
export interface Unreadable {
  readonly path: string;
  /** Its message begins with the path. */
  readonly error: FileError;
}

/** A picture as the network's input. */
export interface Rendered {
  /** Undefined for pixels. */
  readonly path: string | undefined;
  /** [3, size, size], normalised. */
  readonly image: Float32Array<ArrayBuffer>;
  /** Returns the memory of `image` for later pictures. */
  release(): void;
}

export interface RenderOptions {
  readonly transform: ValTransform;
  readonly pool: DecoderPool;
  /** Pictures in progress at once; bounds the memory. */
  readonly ahead: number;
}

/**
 * Renders the pictures in order. An unreadable one keeps its place in the order. If the consumer stops early, the pool
 * finishes the pictures in progress.
 * @throws DawngradError if pixels do not fit their width and height, a decoder thread fails, or the pool is closed
 *   before or during the work; MissingPackageError if a picture needs sharp and that is not installed
 */
export async function* renderAhead(
  pictures: readonly PictureInput[],
  { transform, pool, ahead }: RenderOptions,
): AsyncGenerator<Rendered | Unreadable, void, undefined> {
  const numbers = 3 * transform.size ** 2;
  const free: ArrayBuffer[] = [];
  const render = async (picture: PictureInput): Promise<Rendered | Unreadable> => {
    const path = typeof picture === 'string' ? picture : undefined;
    const out = new Float32Array(free.pop() ?? new ArrayBuffer(numbers * 4));
    try {
      // One job per picture: in a job of several, an unreadable picture would fail the others too.
      const image =
        typeof picture === 'string'
          ? await pool.render({ transform, pictures: [{ path: picture, slot: undefined }] }, out)
          : renderPixels(picture, transform, out);
      return { path, image, release: () => free.push(image.buffer) };
    } catch (error) {
      if (!(error instanceof FileError) || path === undefined) throw error;
      return { path, error };
    }
  };

  const underway: Promise<Rendered | Unreadable>[] = [];
  let asked = 0;
  while (asked < pictures.length || underway.length > 0) {
    while (asked < pictures.length && underway.length < ahead) {
      const rendered = render(pictures[asked++]!);
      // It is awaited in its turn. If an earlier one fails first, this failure does not matter.
      rendered.catch(() => {});
      underway.push(rendered);
    }
    yield await underway.shift()!;
  }
}

function renderPixels(picture: Picture, transform: ValTransform, out: Float32Array<ArrayBuffer>) {
  const { width, height, pixels } = picture;
  const isWhole = [width, height].every((extent) => Number.isInteger(extent) && extent >= 1);
  if (!isWhole || pixels.length !== width * height * 3) {
    throw new DawngradError(
      `A picture of ${width}×${height} pixels: expected ${width * height * 3} bytes, interleaved RGB, found ` +
        `${pixels.length}. Give width and height in pixels, and 3 bytes per pixel.`,
    );
  }
  normalize(valCrop(picture, transform), transform.size, false, out);
  return out;
}
