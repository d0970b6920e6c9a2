/**
 * Decodes picture files to RGB bytes as Pillow's `ImageOps.exif_transpose(Image.open(path)).convert('RGB')` does: turned
 * as their EXIF says, no colour management, alpha dropped instead of blended, the first frame only, greys of 16 bits
 * clipped. What would come out otherwise is refused. Files are untrusted: their format is what their bytes say, and their
 * pixels are counted before any are decoded.
 */
import { DawngradError, FileError } from '../errors.ts';
import { MissingPackageError } from '../optional.ts';
import { openAvif } from './avif.ts';
import { openBmp } from './bmp.ts';
import { FORMAT_NAMES, formatOf, type PictureFormat } from './formats.ts';
import { openGif } from './gif.ts';
import { openHeic } from './heic.ts';
import { openJpeg } from './jpeg.ts';
import { printableName } from './names.ts';
import {
  PictureError,
  RAISE_LIMIT,
  readPictureFile,
  readPictureFileAsync,
  TooLargeError,
  tooManyPixels,
} from './picture-file.ts';
import type { PixelBudget } from './pixel-budget.ts';
import { openPng } from './png.ts';
import { openPnm } from './pnm.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';
import { openTiff } from './tiff.ts';
import type { Picture } from './transforms.ts';
import { GIVE_RIGHTS, isForbidden } from './unread.ts';

/** Pillow's limit on the pixels of a picture, above which it takes the file for an attack. */
export const MAX_PIXELS = 178_956_970;

/** Settings of decoding. */
export interface DecodeOptions {
  /** The most pixels (width times height) that a picture may have. Default: Pillow's limit, 178,956,970. */
  readonly maxPixels?: number | undefined;
  /**
   * Whether to leave pictures as they are stored, as torchvision does, though the EXIF of a JPEG, PNG or WebP says how to
   * turn them. TIFF, AVIF and HEIC are turned always: there it is part of the format. Default false.
   */
  readonly ignoreOrientation?: boolean | undefined;
}

/** A picture's file in memory: JPEG, PNG and so on. */
export interface EncodedPicture {
  /** Stands for it in messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The picture has more pixels than `maxPixels`, or its file more bytes than such a picture needs. */
export class PictureTooLargeError extends FileError {
  override name = 'PictureTooLargeError';
}

/** @internal Settings of a thread. */
export interface ThreadOptions extends DecodeOptions {
  readonly budget?: PixelBudget | undefined;
}

/** No format takes more bytes for a pixel uncompressed; and some for all that surrounds the pixels. */
const BYTES_PER_PIXEL = 8;
const BYTES_AROUND = 64 * 2 ** 20;
/** A larger file is read while no other picture is decoded. */
const LARGE_FILE = 64 * 2 ** 20;
const FETCH_AGAIN = 'Fetch it again, or remove it from the folder.';

/**
 * Decodes a picture to interleaved RGB.
 *
 * @throws FileError naming the file if it is missing, not a regular file, too large, truncated, or not a picture
 * @throws MissingPackageError if it needs sharp and that is not installed
 */
export async function decode(path: string, options: DecodeOptions = {}): Promise<Picture> {
  return withPicture(path, options, (picture) => picture);
}

/**
 * Reads width and height in pixels, as `decode` will return them, without decoding.
 *
 * @throws FileError as `decode`, as far as the header tells; MissingPackageError
 */
export async function readSize(path: string, options: DecodeOptions = {}): Promise<{ width: number; height: number }> {
  try {
    const bytes = await readPictureFileAsync(path, fileLimit(options.maxPixels ?? MAX_PIXELS));
    const { width, height } = await open(bytes, options);
    return { width, height };
  } catch (cause) {
    throw asFileError(path, cause);
  }
}

/** @internal A picture's file as it was read. */
export interface PictureFile {
  readonly bytes: Buffer;
  readonly format: PictureFormat;
  readonly isTurned: boolean;
}

/**
 * @internal Decodes a picture for `use`. Its pixels count against the thread's budget until `use` returns.
 *
 * @param from a path, or the file's bytes
 * @throws FileError, MissingPackageError as `decode`; FileError naming the file for any other error of `use`
 */
export async function withPicture<T>(
  from: string | EncodedPicture,
  options: ThreadOptions,
  use: (picture: Picture, file: PictureFile) => T,
): Promise<T> {
  const { budget } = options;
  try {
    let holdsAll = false;
    const limit = fileLimit(options.maxPixels ?? MAX_PIXELS);
    const beforeReading = (size: number) => {
      limit(size);
      holdsAll = size > LARGE_FILE;
      if (holdsAll) budget?.take(Number.POSITIVE_INFINITY);
    };
    const bytes = typeof from === 'string' ? readPictureFile(from, beforeReading) : inMemory(from, beforeReading);
    const source = await open(bytes, options);
    const { width, height, format, isTurned = false } = source;
    if (!holdsAll) budget?.take(width * height);
    const pixels = await source.decode();
    return use({ width, height, pixels }, { bytes, format, isTurned });
  } catch (cause) {
    throw typeof from === 'string' ? asFileError(from, cause) : asFileError(from.name, cause, 'Give another picture.');
  } finally {
    budget?.release();
  }
}

/**
 * @internal Checks the size of a picture's file before it is read.
 * @throws PictureTooLargeError
 */
export function checkFileSize(name: string, bytes: number, maxPixels: number): void {
  try {
    fileLimit(maxPixels)(bytes);
  } catch (cause) {
    throw asFileError(name, cause);
  }
}

function inMemory({ bytes }: EncodedPicture, beforeReading: (bytes: number) => void): Buffer {
  beforeReading(bytes.byteLength);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @internal Refuses a file that is larger than a picture of so many pixels needs. @throws PictureError */
export function fileLimit(maxPixels: number): (bytes: number) => void {
  return (bytes) => {
    if (bytes <= maxPixels * BYTES_PER_PIXEL + BYTES_AROUND) return;
    throw new TooLargeError(`${bytes} bytes are more than a picture of at most ${maxPixels} pixels needs`, RAISE_LIMIT);
  };
}

/** Recognises the format and reads the header. */
async function open(bytes: Buffer, options: DecodeOptions): Promise<Source & { readonly format: PictureFormat }> {
  if (bytes.length === 0) throw new PictureError('the file is empty');
  const format = formatOf(bytes);
  if (format === undefined) throw new PictureError(`this is not a picture in a known format (${FORMAT_NAMES})`);
  const { maxPixels = MAX_PIXELS, ignoreOrientation = false } = options;
  const source = await openFormat(bytes, format, maxPixels, !ignoreOrientation);
  const { width, height } = source;
  if (!(width >= 1 && height >= 1)) throw new PictureError(`a picture of ${width}×${height} has no pixels`);
  if (width * height > maxPixels) throw tooManyPixels(width, height, maxPixels);
  return { ...source, format };
}

async function openFormat(bytes: Buffer, format: PictureFormat, maxPixels: number, turns: boolean): Promise<Source> {
  if (format === 'bmp') return openBmp(bytes);
  if (format === 'pnm') return openPnm(bytes);
  if (format === 'gif') return openGif(bytes);
  if (format === 'tiff') return openTiff(bytes);
  if (format === 'jpeg') return openJpeg(bytes, turns);
  if (format === 'png') return openPng(bytes, turns);
  if (format === 'avif') return openAvif(bytes, maxPixels);
  if (format === 'heic') return openHeic(bytes, maxPixels);
  return openWithSharp(bytes, format, { turns });
}

/** @param fetchAgain the remedy for a damaged picture */
function asFileError(path: string, cause: unknown, fetchAgain = FETCH_AGAIN): Error {
  if (cause instanceof MissingPackageError || cause instanceof DawngradError) return cause;
  const name = printableName(path);
  const message = cause instanceof Error ? cause.message : String(cause);
  // libvips repeats itself.
  const lines = new Set(message.split('\n').map((line) => line.trim()));
  const detail = [...lines].filter((line) => line !== '').join('; ');
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
    return new FileError(`${name}: the picture is missing. Check the path, or read the folder again.`, { cause });
  }
  if (isForbidden(cause)) {
    const { code } = cause as NodeJS.ErrnoException;
    return new FileError(`${name}: this user may not read the picture (${code}). ${GIVE_RIGHTS}`, { cause });
  }
  if (cause instanceof PictureError) {
    const Kind = cause instanceof TooLargeError ? PictureTooLargeError : FileError;
    return new Kind(`${name}: ${detail}. ${cause.advice ?? fetchAgain}`, { cause });
  }
  const what = /unsupported image format/.test(detail)
    ? `this is not a picture in a known format, or is damaged`
    : /premature end|truncated|read error|corrupt header|^Unknown error$/i.test(detail)
      ? 'the image file is truncated or damaged'
      : 'the picture cannot be decoded';
  // Another thread may have emptied libvips' buffer of messages, which is one for the process.
  const told = detail === 'Unknown error' ? '' : ` (${printableName(detail)})`;
  return new FileError(`${name}: ${what}${told}. ${fetchAgain}`, { cause });
}
