/**
 * Tells pictures that look alike: copies of other sizes, other quality, a little brighter, a little cropped, and shots
 * of one series. It compares the signs of the differences between neighbouring cells of a coarse grid (a "difference
 * hash", N. Krawetz, "Kind of Like That", 2013), here along rows and along columns; and where few signs differ, the
 * cells' colours.
 */
import type { Picture } from '../transforms.ts';

/** Cells of a row, and rows. */
const SIDE = 9;
const CELLS = SIDE * SIDE;
/** Bytes of a picture's cells: red, green and blue of each cell. */
export const SIGNATURE_BYTES = 3 * CELLS;
/** Pixels of a cell's row or column that are looked at. More would tell no more. */
const MOST_SAMPLES = 16;

/** Neighbours in rows, and in columns. */
const BITS = 2 * SIDE * (SIDE - 1);
const WORDS = Math.ceil(BITS / 32);

/**
 * The share of the signs that may differ. Unrelated photographs differ in 40 %, hardly ever in less than 10 %; copies of
 * another size, quality or brightness, in 0 to 5 %, and those that lost 3 % of each side in 5 to 14 %.
 */
const MOST_SIGNS = 0.1;
/** Pictures with fewer signs are too flat to be told by them. */
const LEAST_SIGNS = 36;
/** How far the cells' colours may be apart on average, of 255. A copy that is a sixth brighter is 20 to 30 apart. */
export const MOST_COLOUR = 32;
/** Cells so near are the same, signs or not. */
const SAME_COLOUR = 1.5;
/** A difference of less than this between two cells is noise of a flat picture, and has no sign. */
const NOISE = 2;

/** What `lookAlike` compares. */
export interface Signature {
  /** SIGNATURE_BYTES. */
  readonly cells: Uint8Array;
  readonly signs: Signs;
  /** Of all values of all cells. Two pictures are at least as far apart as their means. */
  readonly mean: number;
}

/** The mean colours of the picture's cells. @param out receives SIGNATURE_BYTES */
export function cellsOf({ width, height, pixels }: Picture, out: Uint8Array): void {
  const columns = Array.from({ length: SIDE }, (_, i) => samplesOf(width, i));
  const rows = Array.from({ length: SIDE }, (_, i) => samplesOf(height, i));
  let to = 0;
  for (const ys of rows) {
    for (const xs of columns) {
      let [red, green, blue] = [0, 0, 0];
      for (const y of ys) {
        for (const x of xs) {
          const from = (y * width + x) * 3;
          red += pixels[from]!;
          green += pixels[from + 1]!;
          blue += pixels[from + 2]!;
        }
      }
      const count = xs.length * ys.length;
      for (const sum of [red, green, blue]) out[to++] = Math.round(sum / count);
    }
  }
}

/** Positions spread evenly over cell `i` of an axis; of one that is shorter than the grid, the nearest. */
function samplesOf(length: number, i: number): number[] {
  const [start, end] = [(i * length) / SIDE, ((i + 1) * length) / SIDE];
  const count = Math.max(1, Math.min(MOST_SAMPLES, Math.floor(end - start)));
  return Array.from({ length: count }, (_, k) => Math.floor(start + ((k + 0.5) * (end - start)) / count));
}

/** The signs of the differences between neighbouring cells, as bits; a second bit for each says whether it has a sign. */
interface Signs {
  readonly rises: Uint32Array;
  readonly differs: Uint32Array;
}

/** The signature of a picture with these cells. */
export function signatureOf(cells: Uint8Array): Signature {
  return { cells, signs: signsOf(cells), mean: cells.reduce((sum, value) => sum + value, 0) / cells.length };
}

function signsOf(cells: Uint8Array): Signs {
  const grey = Float64Array.from({ length: CELLS }, (_, i) => {
    // The weights of luma in JPEG.
    return 0.299 * cells[3 * i]! + 0.587 * cells[3 * i + 1]! + 0.114 * cells[3 * i + 2]!;
  });
  const signs = { rises: new Uint32Array(WORDS), differs: new Uint32Array(WORDS) };
  let bit = 0;
  const add = (difference: number) => {
    if (Math.abs(difference) >= NOISE) signs.differs[bit >> 5]! |= 1 << (bit & 31);
    if (difference > 0) signs.rises[bit >> 5]! |= 1 << (bit & 31);
    bit++;
  };
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const here = y * SIDE + x;
      if (x + 1 < SIDE) add(grey[here + 1]! - grey[here]!);
      if (y + 1 < SIDE) add(grey[here + SIDE]! - grey[here]!);
    }
  }
  return signs;
}

/** Whether two pictures look alike. Tested on copies and on unrelated photographs. */
export function lookAlike(a: Signature, b: Signature): boolean {
  const { counted, differing } = compareSigns(a.signs, b.signs);
  const isNear = counted >= LEAST_SIGNS && differing <= MOST_SIGNS * counted;
  const isFlat = counted < LEAST_SIGNS;
  if (!isNear && !isFlat) return false;
  return colourDistance(a.cells, b.cells) <= (isNear ? MOST_COLOUR : SAME_COLOUR);
}

/** In how many places two pictures rise and fall differently, of those where neither is flat. */
function compareSigns(a: Signs, b: Signs): { counted: number; differing: number } {
  let [counted, differing] = [0, 0];
  for (let i = 0; i < WORDS; i++) {
    const both = a.differs[i]! & b.differs[i]!;
    counted += countBits(both);
    differing += countBits((a.rises[i]! ^ b.rises[i]!) & both);
  }
  return { counted, differing };
}

/** How far two pictures' cells are apart on average, of 255. */
function colourDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < SIGNATURE_BYTES; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / SIGNATURE_BYTES;
}

/** Bits that are set in 32 (H. S. Warren, "Hacker's Delight", 5-1). */
function countBits(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
