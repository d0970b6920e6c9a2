/**
 * TIFF by sharp, as Pillow 9.4 gives it: only the kinds for which both give the same pixels, turned as the orientation
 * tag says. Pillow heeds that tag in TIFF, though not in JPEG.
 */
import { CONVERT, PictureError } from './picture-file.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';
import { damagedTiff, readTags, type Tags } from './tiff-tags.ts';

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

/** More samples than any of these kinds has. */
const MOST_SAMPLES = 16;

/** None, the three of fax machines, LZW, JPEG, Deflate, PackBits, Deflate by its old number. */
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, 7, 8, 32773, 32946]);

/** Opens a TIFF. @throws PictureError if it is damaged or of another kind; errors of sharp. `decode` likewise */
export async function openTiff(bytes: Buffer): Promise<Source> {
  const { tags, isTiled, lacksTiles, write } = readTags(bytes);
  checkKind(tags);
  if (lacksTiles()) damagedTiff('some of its tiles are missing');
  let [orientation = 1] = tags.orientation ?? [];
  if (orientation < 1 || orientation > 8) {
    // Such a number has no meaning. Pillow takes the picture for upright, but libtiff would complain.
    orientation = 1;
    write('orientation', orientation);
  }
  const source = await openWithSharp(bytes, 'tiff', { orientation, clipsGreys: true, isTiled });
  const [width, height] = orientation >= 5 ? [source.height, source.width] : [source.width, source.height];
  if (tags.width?.[0] !== width || tags.height?.[0] !== height) damagedTiff('its size');
  return source;
}

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
    inkSet = [1],
  } = tags;
  const every = bits.length === 1 ? Array.from({ length: Math.min(samples[0]!, MOST_SAMPLES) }, () => bits[0]) : bits;
  const kind = `${photometric?.[0] ?? 0} ${every.join()} ${extra.join()}`;
  const whole = format.every((one) => one === 1);
  // Only JPEG stores this colour space in the way that both read alike.
  const isPlainYcc = photometric?.[0] === 6 && compression[0] !== 7;
  // Bits in reverse order are for fax machines.
  const isReversed = (fillOrder?.[0] ?? 1) !== 1 && !/^[01] 1 $/.test(kind);
  // Pillow misreads most others in planes.
  const isInPlanes = (planar?.[0] ?? 1) !== 1 && !/^(2 8,8,8 |2 8,8,8,8 [02]|5 )/.test(kind);
  if (photometric?.[0] === 3) checkColors(tags.colorMap ?? [], bits[0]!);
  // Of other inks than cyan, magenta, yellow and black libvips makes nothing, and Pillow what these would give.
  const isOtherInk = photometric?.[0] === 5 && inkSet[0] !== 1;
  const isRead =
    !isOtherInk && KINDS.has(kind) && COMPRESSIONS.has(compression[0]!) && !isPlainYcc && !isReversed && !isInPlanes;
  if (isRead && whole && every.length === samples[0]) return;
  const inks = isOtherInk ? `, ink set ${inkSet[0]}` : '';
  unsupported(
    `a TIFF of this kind is not supported (photometric interpretation ${photometric?.[0] ?? 'missing'}, bits ` +
      `${every.join('+')}, compression ${compression[0]}, planes ${planar?.[0] ?? 1}${inks})`,
  );
}

/**
 * The values of a colour map have 16 bits. Some writers gave them 8: libtiff then guesses, and Pillow, which divides all by
 * 256, sees black. Of a map of another length Pillow makes something else than libtiff, or nothing.
 */
function checkColors(map: readonly number[], bits: number): void {
  const expected = 3 * 2 ** bits;
  if (map.length !== expected) {
    unsupported(`a TIFF with a colour map of ${map.length} values is not supported, expected ${expected}`);
  }
  if (map.every((value) => value < 256) && map.some((value) => value > 0)) {
    unsupported('a TIFF with a colour map of 8 bits is not supported');
  }
}

function unsupported(what: string): never {
  throw new PictureError(what, CONVERT);
}
