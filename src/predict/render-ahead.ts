/** Decodes pictures ahead of use and returns them in order; the number in progress is bounded. */
import { checkFileSize, type DecoderPool, normalize, type Picture, type ValTransform, valCrop } from '../data/index.ts';
import { DawngradError, FileError } from '../errors.ts';

/** A picture's file in memory, as JPEG, PNG and so on, with a name for messages and results. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array | Blob;
}

/** A picture to predict: a file's path, the bytes of a file (a `File` brings its name), or pixels. */
export type PictureInput = string | Uint8Array | Blob | NamedBytes | Picture;

/** A file that could not be read as a picture. */
export interface Unreadable {
  /** The path or name as given; undefined for bytes without a name. */
  readonly path: string | undefined;
  /** Its message begins with the path or name; `picture 3` stands for the third of a call if it has neither. */
  readonly error: FileError;
}

/** A picture as the network's input. */
export interface Rendered {
  /** Path or name as given; undefined for pixels, and for bytes without a name. */
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
  const render = async (index: number): Promise<Rendered | Unreadable> => {
    const picture = pictures[index]!;
    const path = nameOf(picture);
    const out = new Float32Array(free.pop() ?? new ArrayBuffer(numbers * 4));
    try {
      const image = isPixels(picture)
        ? renderPixels(picture, transform, out)
        : // One job per picture: in a job of several, an unreadable picture would fail the others too.
          await pool.render({ transform, pictures: [await fileOf(picture, index, pool.maxPixels)] }, out);
      return { path, image, release: () => free.push(image.buffer) };
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return { path, error };
    }
  };

  const underway: Promise<Rendered | Unreadable>[] = [];
  let asked = 0;
  while (asked < pictures.length || underway.length > 0) {
    while (asked < pictures.length && underway.length < ahead) {
      const rendered = render(asked++);
      // It is awaited in its turn. If an earlier one fails first, this failure does not matter.
      rendered.catch(() => {});
      underway.push(rendered);
    }
    yield await underway.shift()!;
  }
}

function isPixels(picture: PictureInput): picture is Picture {
  return typeof picture === 'object' && 'pixels' in picture;
}

function nameOf(picture: PictureInput): string | undefined {
  if (typeof picture === 'string') return picture;
  if (picture instanceof File) return picture.name;
  return isNamed(picture) ? picture.name : undefined;
}

function isNamed(picture: PictureInput): picture is NamedBytes {
  // A Blob has a method of this name.
  return typeof picture === 'object' && 'bytes' in picture && !(picture instanceof Blob);
}

/** The picture as a decoder thread takes it. @param index its place among the pictures of the call */
async function fileOf(picture: Exclude<PictureInput, Picture>, index: number, maxPixels: number) {
  if (typeof picture === 'string') return { path: picture, slot: undefined };
  const path = nameOf(picture) ?? `picture ${index + 1}`;
  const given: unknown = isNamed(picture) ? picture.bytes : picture;
  if (given instanceof Uint8Array) return { path, bytes: given, slot: undefined };
  if (!(given instanceof Blob)) {
    throw new DawngradError(
      `${path}: expected a path, the bytes of a picture's file (Uint8Array or Blob), or pixels, found ${typeof given}.`,
    );
  }
  checkFileSize(path, given.size, maxPixels);
  return { path, bytes: new Uint8Array(await given.arrayBuffer()), slot: undefined };
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
  normalize(valCrop(picture, transform), transform.size, false, out, 0, transform.statistics);
  return out;
}
