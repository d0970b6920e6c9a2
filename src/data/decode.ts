/**
 * Decodes picture files to RGB bytes as Pillow's `Image.open(path).convert('RGB')` does: no colour management, no
 * rotation by EXIF, alpha dropped instead of blended, the first frame only. sharp decodes. With these options its JPEG
 * pixels equal Pillow's: both use libjpeg-turbo's accurate integer DCT and smooth chroma upsampling. One difference:
 * 16-bit grey is scaled to 8 bits here, where Pillow 9 clips it. Only JPEG, PNG, WebP, TIFF, BMP and PNM were compared.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FileError } from '../errors.ts';
import { MissingPackageError } from '../optional.ts';
import { decodePlain } from './plain-formats.ts';
import { loadSharp } from './sharp.ts';
import type { Picture } from './transforms.ts';

/**
 * `truncated` fails where Pillow fails: on files that end too early, but not on corrupt bytes and stray data, which
 * libjpeg only warns about. ICC profiles are ignored, as in Pillow.
 */
const OPTIONS = { ignoreIcc: true, failOn: 'truncated', limitInputPixels: false } as const;

/**
 * Decodes a picture to interleaved RGB.
 *
 * @throws FileError naming the file if it is missing, truncated, or not a picture
 * @throws MissingPackageError if it needs sharp and that is not installed
 */
export async function decode(path: string): Promise<Picture> {
  try {
    // Passing bytes instead of the path saves about a millisecond per picture in libvips.
    const bytes = readFileSync(path);
    return decodePlain(bytes) ?? (await decodeWithSharp(bytes));
  } catch (cause) {
    throw asFileError(path, cause);
  }
}

/**
 * Reads width and height in pixels, as `decode` will return them, without decoding.
 *
 * @throws FileError naming the file if it cannot be read or is not a picture
 */
export async function readSize(path: string): Promise<{ width: number; height: number }> {
  try {
    const bytes = await readFile(path);
    const { width, height } = decodePlain(bytes) ?? (await (await loadSharp())(bytes, OPTIONS).metadata());
    return { width, height };
  } catch (cause) {
    throw asFileError(path, cause);
  }
}

async function decodeWithSharp(bytes: Buffer): Promise<Picture> {
  const sharp = await loadSharp();
  // Reads the header only. CMYK would otherwise go through colour profiles.
  const isCmyk = (await sharp(bytes, OPTIONS).metadata()).space === 'cmyk';
  const image = sharp(bytes, OPTIONS);
  if (isCmyk) image.pipelineColourspace('cmyk').toColourspace('cmyk');
  else image.toColourspace('srgb').removeAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const pixels = isCmyk ? cmykToRgb(data, info.channels) : data;
  return { width: info.width, height: info.height, pixels };
}

/** Pillow's conversion without profiles: each ink's value is scaled by the share that black leaves. */
function cmykToRgb(cmyk: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / channels) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const white = 255 - cmyk[from + 3]!;
    for (let c = 0; c < 3; c++) {
      // x / 255, rounded as Pillow's MULDIV255 rounds.
      const product = cmyk[from + c]! * white + 128;
      rgb[to + c] = Math.max(0, white - ((product + (product >> 8)) >> 8));
    }
  }
  return rgb;
}

function asFileError(path: string, cause: unknown): Error {
  if (cause instanceof MissingPackageError) return cause;
  const detail = cause instanceof Error ? cause.message.trim().replaceAll(/\s*\n\s*/g, '; ') : String(cause);
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
    return new FileError(`${path}: the picture is missing. Check the path, or read the folder again.`, { cause });
  }
  const what = /unsupported image format/.test(detail)
    ? 'this is not a picture in a known format'
    : /premature end|truncated|read error|corrupt header/i.test(detail)
      ? 'the image file is truncated or damaged'
      : 'the picture cannot be decoded';
  return new FileError(`${path}: ${what} (${detail}). Fetch it again, or remove it from the folder.`, { cause });
}
