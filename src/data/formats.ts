/** The formats of pictures that are read, recognised by their first bytes. A file's name says nothing about it. */

/** A raster format, by the name that sharp has for it; AVIF and HEIC are both `heif` there. */
export type PictureFormat = 'jpeg' | 'png' | 'webp' | 'tiff' | 'gif' | 'bmp' | 'pnm' | 'avif' | 'heic';

/** For messages. */
export const FORMAT_NAMES = 'JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF, BMP, PNM';

/** All formats, in the order of their numbers in a decoder thread's answer. */
export const PICTURE_FORMATS: readonly PictureFormat[] = [
  ...(['jpeg', 'png', 'webp', 'avif', 'heic', 'tiff', 'gif', 'bmp', 'pnm'] as const),
];

/** First bytes, as Latin-1; WebP's begin a container of which the size comes next, then its kind. */
const SIGNATURES: Readonly<Record<Exclude<PictureFormat, 'avif' | 'heic'>, readonly string[]>> = {
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
  if (head.slice(4, 8) === 'ftyp') return formatOfBrands(bytes);
  const formats = Object.keys(SIGNATURES) as (keyof typeof SIGNATURES)[];
  const format = formats.find((name) => SIGNATURES[name].some((signature) => head.startsWith(signature)));
  return format === 'webp' && head.slice(8) !== 'WEBP' ? undefined : format;
}

/** Brands of still pictures and of sequences of them, in the container that films have too (ISO/IEC 23008-12). */
const AVIF_BRANDS = ['avif', 'avis'];
const HEIC_BRANDS = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs', 'mif1', 'mif2', 'msf1'];
/** More brands than any writer lists. */
const MOST_BRANDS = 32;

/** The first box lists the brands: one at 8, a version, the others from 16 on. `mif1` alone does not tell the codec. */
function formatOfBrands(bytes: Buffer): PictureFormat | undefined {
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 16 + 4 * MOST_BRANDS);
  const brands = [bytes.toString('latin1', 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(bytes.toString('latin1', at, at + 4));
  if (brands.some((brand) => AVIF_BRANDS.includes(brand))) return 'avif';
  return brands.some((brand) => HEIC_BRANDS.includes(brand)) ? 'heic' : undefined;
}
