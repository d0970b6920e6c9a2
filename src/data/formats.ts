/** The formats of pictures that are read, recognised by their first bytes. A file's name says nothing about it. */

/** A raster format, by the name that sharp has for it. */
export type PictureFormat = 'jpeg' | 'png' | 'webp' | 'tiff' | 'gif' | 'bmp' | 'pnm';

/** For messages. */
export const FORMAT_NAMES = 'JPEG, PNG, WebP, TIFF, GIF, BMP, PNM';

/** First bytes, as Latin-1; WebP's begin a container of which the size comes next, then its kind. */
const SIGNATURES: Readonly<Record<PictureFormat, readonly string[]>> = {
  jpeg: ['\xff\xd8\xff'],
  png: ['\x89PNG\r\n\x1a\n'],
  webp: ['RIFF'],
  // The last two are BigTIFF.
  tiff: ['II\x2a\0', 'MM\0\x2a', 'II\x2b\0', 'MM\0\x2b'],
  gif: ['GIF87a', 'GIF89a'],
  bmp: ['BM'],
  pnm: ['1', '2', '3', '4', '5', '6'].flatMap((kind) => Array.from(' \t\n\v\f\r', (space) => `P${kind}${space}`)),
};

/** The format of a picture that begins with these bytes; undefined if it is none of the above. */
export function formatOf(bytes: Buffer): PictureFormat | undefined {
  const head = bytes.toString('latin1', 0, 12);
  const formats = Object.keys(SIGNATURES) as PictureFormat[];
  const format = formats.find((name) => SIGNATURES[name].some((signature) => head.startsWith(signature)));
  return format === 'webp' && head.slice(8) !== 'WEBP' ? undefined : format;
}
