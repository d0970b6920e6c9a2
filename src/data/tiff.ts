/**
 * TIFF by sharp, as Pillow 9.4 gives it: only the kinds for which both give the same pixels, turned as the orientation
 * tag says. Pillow heeds that tag in TIFF, though not in JPEG.
 */
import { CONVERT, PictureError } from './picture-file.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';

/** The tags that decide what the pixels mean. */
const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  orientation: 274,
  samples: 277,
  planar: 284,
  extra: 338,
  format: 339,
} as const;

/** Where the pixels are: in strips or in tiles. Readers disagree about files that have both. */
const STRIPS = [273, 279];
const TILES = [322, 323, 324, 325];

/** Bytes of a value, by the types that these tags have: short, long, and 8 bytes in BigTIFF. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 3: 2, 4: 4, 16: 8 };
/** More values of one tag are not looked at. */
const MOST_VALUES = 16;

/**
 * Kinds with Pillow's pixels in sharp: photometric interpretation, bits of each sample, kinds of the extra samples
 * (0 unknown, 2 not premultiplied).
 */
const KINDS = new Set([
  ...['0', '1'].flatMap((grey) => ['1', '2', '4', '8'].map((bits) => `${grey} ${bits} `)),
  '1 16 ',
  '1 8,8 2',
  '2 8,8,8 ',
  ...['8,8,8,8', '16,16,16,16'].flatMap((bits) => ['', '0', '2'].map((extra) => `2 ${bits} ${extra}`)),
  '2 16,16,16 ',
  ...['1', '2', '4', '8'].map((bits) => `3 ${bits} `),
  '5 8,8,8,8 ',
  '6 8,8,8 ',
]);

/** None, the three of fax machines, LZW, JPEG, Deflate, PackBits, Deflate by its old number. */
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, 7, 8, 32773, 32946]);

/** Opens a TIFF. @throws PictureError if it is damaged or of another kind; errors of sharp. `decode` likewise */
export async function openTiff(bytes: Buffer): Promise<Source> {
  const tags = readTags(bytes);
  checkKind(tags);
  const source = await openWithSharp(bytes, 'tiff');
  const { width, height } = source;
  if (tags.width?.[0] !== width || tags.height?.[0] !== height) damaged('its size');
  const orientation = tags.orientation?.[0] ?? 1;
  const turned = orientation >= 5 && orientation <= 8;
  return {
    ...(turned ? { width: height, height: width } : { width, height }),
    decode: async () => orient(await source.decode(), width, height, orientation),
  };
}

type Tags = Partial<Record<keyof typeof TAGS, readonly number[]>>;

function checkKind(tags: Tags): void {
  const {
    photometric,
    bits = [1],
    samples = [1],
    extra = [],
    format = [1],
    fillOrder,
    planar,
    compression = [1],
  } = tags;
  const every = bits.length === 1 ? Array.from({ length: Math.min(samples[0]!, MOST_VALUES) }, () => bits[0]) : bits;
  const kind = `${photometric?.[0] ?? 0} ${every.join()} ${extra.join()}`;
  const whole = format.every((one) => one === 1);
  // Only JPEG stores this colour space in the way that both read alike.
  const isPlainYcc = photometric?.[0] === 6 && compression[0] !== 7;
  // Bits in reverse order are for fax machines.
  const isReversed = (fillOrder?.[0] ?? 1) !== 1 && !/^[01] 1 $/.test(kind);
  // Pillow misreads most others in planes.
  const isInPlanes = (planar?.[0] ?? 1) !== 1 && !/^(2 8,8,8 |2 8,8,8,8 [02]|5 )/.test(kind);
  const isRead = KINDS.has(kind) && COMPRESSIONS.has(compression[0]!) && !isPlainYcc && !isReversed && !isInPlanes;
  if (isRead && whole && every.length === samples[0]) return;
  throw new PictureError(
    `a TIFF of this kind is not supported (photometric interpretation ${photometric?.[0] ?? 'missing'}, bits ` +
      `${every.join('+')}, compression ${compression[0]}, planes ${planar?.[0] ?? 1})`,
    CONVERT,
  );
}

/** The tags above of the first directory. */
function readTags(bytes: Buffer): Tags {
  const little = bytes[0] === 0x49;
  const read = (at: number, size: number): number => {
    if (at + size > bytes.length) damaged('it ends too early');
    if (size === 8) return little ? read(at, 4) + 2 ** 32 * read(at + 4, 4) : read(at + 4, 4) + 2 ** 32 * read(at, 4);
    return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  };
  const isBig = read(2, 2) === 43;
  const word = isBig ? 8 : 4;
  const directory = read(isBig ? 8 : 4, word);
  const countBytes = isBig ? 8 : 2;
  const entries = read(directory, countBytes);
  const entryBytes = 4 + 2 * word;
  if (directory + countBytes + entries * entryBytes > bytes.length) damaged('its directory');
  const names = new Map(Object.entries(TAGS).map(([name, number]) => [number as number, name as keyof Tags]));
  const tags: Tags = {};
  const seen = new Set<number>();
  for (let i = 0; i < entries; i++) {
    const at = directory + countBytes + i * entryBytes;
    const number = read(at, 2);
    if (seen.has(number)) damaged(`tag ${number} is there twice`);
    seen.add(number);
    const name = names.get(number);
    if (!name) continue;
    const size = TYPE_BYTES[read(at + 2, 2)] ?? damaged(`the type of its ${name}`);
    const count = read(at + 4, word);
    if (count === 0 || count > MOST_VALUES) damaged(`its ${name}`);
    const inline = at + 4 + word;
    const first = count * size <= word ? inline : read(inline, word);
    tags[name] = Array.from({ length: count }, (_, k) => read(first + k * size, size));
  }
  if (STRIPS.some((tag) => seen.has(tag)) && TILES.some((tag) => seen.has(tag))) damaged('it has strips and tiles');
  return tags;
}

/** Turns or mirrors pixels so that the picture is upright; 1 is upright, and so is what the standard does not name. */
function orient(pixels: Uint8Array, width: number, height: number, orientation: number): Uint8Array {
  if (orientation < 2 || orientation > 8) return pixels;
  const turned = orientation >= 5;
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(pixels.length);
  // Bytes from a pixel of the file to its right and lower neighbours, as the upright picture runs along them.
  const right = flipX ? -3 : 3;
  const down = (flipY ? -3 : 3) * width;
  const first = ((flipY ? height - 1 : 0) * width + (flipX ? width - 1 : 0)) * 3;
  const [alongRow, alongColumn] = turned ? [down, right] : [right, down];
  const outWidth = turned ? height : width;
  for (let row = first, to = 0; to < out.length; row += alongColumn) {
    for (let x = 0, from = row; x < outWidth; x++, from += alongRow, to += 3) {
      out[to] = pixels[from]!;
      out[to + 1] = pixels[from + 1]!;
      out[to + 2] = pixels[from + 2]!;
    }
  }
  return out;
}

function damaged(detail: string): never {
  throw new PictureError(`the image file is truncated or damaged (TIFF: ${detail})`);
}
