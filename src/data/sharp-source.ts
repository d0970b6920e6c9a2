/**
 * Decodes with sharp. With these options its pixels equal Pillow's: both use libjpeg-turbo's accurate integer DCT and
 * smooth chroma upsampling.
 */
import type { Metadata, Sharp } from 'sharp';
import { FORMAT_NAMES, type PictureFormat } from './formats.ts';
import { PictureError } from './picture-file.ts';
import { loadSharp } from './sharp.ts';
import type { Source } from './source.ts';

/** ICC profiles are ignored, as in Pillow. Our own limit on pixels applies instead of sharp's. */
const OPTIONS = { ignoreIcc: true, limitInputPixels: false } as const;
/**
 * Where Pillow fails too: for JPEG on files that end too early, but not on corrupt bytes and stray data, which libjpeg
 * only warns about. The other formats' pixels would be missing after an error.
 */
const failOn = (format: PictureFormat) => (format === 'jpeg' ? 'truncated' : 'error');

/** What the file's own header says beyond sharp's metadata, and what to make of it. */
export interface SharpOptions {
  /** How the picture is stored: 2 to 8 are mirrored or turned, as in TIFF's tag. Other numbers are upright. */
  readonly orientation?: number;
  /** Takes the orientation from the picture's EXIF instead, as `PIL.ImageOps.exif_transpose` does. */
  readonly turns?: boolean;
  /** Pillow converts the greys of 16 bits of this picture by clipping, not by their high byte. */
  readonly clipsGreys?: boolean;
  /** Fails on warnings too: after an error in a tile libvips warns, and leaves the tile black. */
  readonly isTiled?: boolean;
}

/** For each orientation: degrees to turn clockwise; before it, whether to mirror top and bottom, or left and right. */
const TURNS: Readonly<Record<number, readonly [number, boolean, boolean]>> = {
  2: [0, false, true],
  3: [180, false, false],
  4: [0, true, false],
  5: [90, true, false],
  6: [90, false, false],
  7: [90, false, true],
  8: [270, false, false],
};

/** Reads the header. @throws PictureError if sharp takes the bytes for another format than this; errors of sharp */
export async function openWithSharp(
  bytes: Buffer,
  format: PictureFormat,
  { orientation = 1, turns = false, clipsGreys = false, isTiled = false }: SharpOptions = {},
): Promise<Source> {
  const sharp = await loadSharp();
  const image = () => sharp(bytes, { ...OPTIONS, failOn: isTiled ? 'warning' : failOn(format) });
  const metadata = await image().metadata();
  if (metadata.format !== (format === 'avif' ? 'heif' : format)) {
    throw new PictureError(`this is not a picture in a known format (${FORMAT_NAMES}); sharp reads ${metadata.format}`);
  }
  const turn = TURNS[turns ? (metadata.orientation ?? 1) : orientation];
  const [degrees, mirrorsRows, mirrorsColumns] = turn ?? [0, false, false];
  const { width, height } = metadata;
  const size = degrees % 180 === 0 ? { width, height } : { width: height, height: width };
  const decode = () => {
    // libvips turns what it decoded before it widens it to RGB, which takes less memory than to turn the result.
    const upright = image().flip(mirrorsRows).flop(mirrorsColumns);
    if (degrees !== 0) upright.rotate(degrees);
    return decodeWithSharp(upright, size, metadata.space, clipsGreys);
  };
  return { ...size, isTurned: turn !== undefined, decode };
}

async function decodeWithSharp(
  image: Sharp,
  { width, height }: { width: number; height: number },
  space: Metadata['space'],
  clipsGreys: boolean,
): Promise<Uint8Array> {
  // CMYK would otherwise go through colour profiles.
  const isCmyk = space === 'cmyk';
  const isDeepGrey = space === 'grey16' && clipsGreys;
  if (isCmyk) image.pipelineColourspace('cmyk').toColourspace('cmyk');
  else image.toColourspace(isDeepGrey ? 'grey16' : 'srgb').removeAlpha();
  const { data, info } = await image
    .raw({ depth: isDeepGrey ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const channels = isCmyk ? 4 : isDeepGrey ? 1 : 3;
  const isWhole = info.width === width && info.height === height && info.channels === channels;
  if (!isWhole || data.length !== width * height * channels * (isDeepGrey ? 2 : 1)) {
    throw new PictureError(
      `expected ${width}×${height} pixels of ${channels} values, as its header says, found others`,
    );
  }
  if (isDeepGrey) return clipGrey(data);
  return isCmyk ? cmykToRgb(data) : data;
}

/** Pillow's conversion without profiles: each ink's value is scaled by the share that black leaves. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const white = 255 - cmyk[from + 3]!;
    rgb[to] = white - scaled(cmyk[from]!, white);
    rgb[to + 1] = white - scaled(cmyk[from + 1]!, white);
    rgb[to + 2] = white - scaled(cmyk[from + 2]!, white);
  }
  return rgb;
}

/** a · b / 255, rounded as Pillow's MULDIV255 rounds; at most b. */
function scaled(a: number, b: number): number {
  const product = a * b + 128;
  return (product + (product >> 8)) >> 8;
}

/** Pillow converts greys of 16 bits to 8 by clipping: every value above 255 is white. */
function clipGrey(data: Buffer): Uint8Array {
  const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const rgb = new Uint8Array(values.length * 3);
  for (let i = 0, to = 0; i < values.length; i++, to += 3) {
    const value = Math.min(255, values[i]!);
    rgb[to] = value;
    rgb[to + 1] = value;
    rgb[to + 2] = value;
  }
  return rgb;
}
