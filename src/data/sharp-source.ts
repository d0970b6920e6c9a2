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

/** A picture as sharp sees it. */
export interface SharpSource extends Source {
  readonly metadata: Metadata;
  /** The pipeline, before any conversion. */
  image(): Sharp;
}

/** Reads the header. @throws PictureError if sharp takes the bytes for another format than this; errors of sharp */
export async function openWithSharp(bytes: Buffer, format: PictureFormat): Promise<SharpSource> {
  const sharp = await loadSharp();
  const image = () => sharp(bytes, { ...OPTIONS, failOn: failOn(format) });
  const metadata = await image().metadata();
  if (metadata.format !== format) {
    throw new PictureError(`this is not a picture in a known format (${FORMAT_NAMES}); sharp reads ${metadata.format}`);
  }
  const { width, height } = metadata;
  return { width, height, metadata, image, decode: () => decodeWithSharp(image(), metadata) };
}

async function decodeWithSharp(image: Sharp, metadata: Metadata): Promise<Uint8Array> {
  const { space, width, height, hasAlpha } = metadata;
  // CMYK would otherwise go through colour profiles.
  const isCmyk = space === 'cmyk';
  const isDeepGrey = space === 'grey16' && !hasAlpha;
  if (isCmyk) image.pipelineColourspace('cmyk').toColourspace('cmyk');
  else if (isDeepGrey) image.toColourspace('grey16');
  else image.toColourspace('srgb').removeAlpha();
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
    for (let c = 0; c < 3; c++) {
      // x / 255, rounded as Pillow's MULDIV255 rounds.
      const product = cmyk[from + c]! * white + 128;
      rgb[to + c] = Math.max(0, white - ((product + (product >> 8)) >> 8));
    }
  }
  return rgb;
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
