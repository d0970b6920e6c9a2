/**
 * HEIC, what iPhones write, by libheif-js. It is turned as the container says, which is part of the format; the EXIF
 * inside only repeats that. Pictures of 10 bits get 8, alpha is dropped, and a file's main picture is the one.
 */
import { checkSizes } from './heif-boxes.ts';
import { type Libheif, loadLibheif, releaseLibheif } from './libheif.ts';
import { PictureError } from './picture-file.ts';
import type { Source } from './source.ts';

const EXPORT =
  'Export it as JPEG: on an iPhone, Settings > Camera > Formats > Most Compatible, or Photos > Share > Options > Most Compatible.';

/**
 * Reads the header of a HEIC.
 * @throws PictureError if it is damaged or of a kind that the decoder does not know, or a picture in it is too large;
 *   MissingPackageError. `decode` likewise
 */
export async function openHeic(bytes: Buffer, maxPixels: number): Promise<Source> {
  checkSizes(bytes, maxPixels);
  const { width, height } = await withPrimary(bytes, sizeOf);
  const decode = () => withPrimary(bytes, (lib, image) => pixelsOf(lib, image, width, height));
  return { width, height, decode };
}

type Handle = Parameters<Libheif['heif_image_handle_release']>[0];

/** Opens the file's main picture for `use`, which must not keep what lies in the decoder's memory. */
async function withPrimary<T>(bytes: Buffer, use: (lib: Libheif, image: Handle) => T): Promise<T> {
  const lib = await loadLibheif();
  let failed = true;
  try {
    const context = lib.heif_context_alloc();
    try {
      const read = lib.heif_context_read_from_memory(context, bytes);
      if (read.code !== lib.heif_error_code.heif_error_Ok) throw damaged(read.message);
      const image = lib.heif_js_context_get_primary_image_handle(context);
      if ('code' in image) throw damaged(image.message);
      try {
        const result = use(lib, image);
        failed = false;
        return result;
      } finally {
        lib.heif_image_handle_release(image);
      }
    } finally {
      lib.heif_context_free(context);
    }
  } catch (error) {
    if (error instanceof PictureError) {
      failed = false;
      throw error;
    }
    // WebAssembly ran out of memory or stopped.
    throw damaged(error instanceof Error ? error.message : String(error));
  } finally {
    releaseLibheif(lib, failed);
  }
}

function sizeOf(lib: Libheif, image: Handle): { width: number; height: number } {
  return { width: lib.heif_image_handle_get_width(image), height: lib.heif_image_handle_get_height(image) };
}

function pixelsOf(lib: Libheif, handle: Handle, width: number, height: number): Uint8Array {
  const { heif_colorspace_RGB: rgb } = lib.heif_colorspace;
  const decoded = lib.heif_js_decode_image2(handle, rgb, lib.heif_chroma.heif_chroma_interleaved_RGB);
  if ('code' in decoded) throw damaged(decoded.message);
  try {
    const plane = decoded.channels.find(({ id }) => id === lib.heif_channel.heif_channel_interleaved);
    if (plane?.width !== width || plane.height !== height) {
      throw damaged(`expected ${width}×${height} pixels, as its header says, found ${plane?.width}×${plane?.height}`);
    }
    const pixels = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) {
      const from = y * plane.stride;
      pixels.set(plane.data.subarray(from, from + width * 3), y * width * 3);
    }
    return pixels;
  } finally {
    lib.heif_image_release(decoded.image);
  }
}

function damaged(detail: string): PictureError {
  return new PictureError(`this HEIC cannot be decoded (${detail.trim()})`, EXPORT);
}
