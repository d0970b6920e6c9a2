/**
 * Boxes of the container of AVIF and HEIC (ISO/IEC 14496-12, 23008-12), as far as a limit needs them. A picture may
 * consist of others, such as tiles: each states its size in a box `ispe`, which its decoder believes.
 */
import { PictureError, tooManyPixels } from './picture-file.ts';

/** A box starts with its length and kind, and some have a version and flags. */
const HEADER = 8;
const VERSION = 4;
/** The path to the properties of all pictures of a file. */
const TO_PROPERTIES = ['meta', 'iprp', 'ipco'] as const;

interface Box {
  readonly kind: string;
  /** Positions of its content. */
  readonly start: number;
  readonly end: number;
}

/**
 * Refuses a file if one of its pictures, or a tile of one, has more pixels than the limit.
 * @throws PictureError
 */
export function checkSizes(bytes: Buffer, maxPixels: number): void {
  let boxes = boxesIn(bytes, 0, bytes.length);
  for (const kind of TO_PROPERTIES) {
    const found = boxes.find((box) => box.kind === kind);
    if (!found) throw new PictureError(`the image file is truncated or damaged (it has no box ${kind})`);
    boxes = boxesIn(bytes, found.start + (kind === 'meta' ? VERSION : 0), found.end);
  }
  for (const { kind, start, end } of boxes) {
    if (kind !== 'ispe' || end - start < VERSION + 8) continue;
    const [width, height] = [bytes.readUInt32BE(start + VERSION), bytes.readUInt32BE(start + VERSION + 4)];
    if (width * height > maxPixels) throw tooManyPixels(width, height, maxPixels);
  }
}

/** The boxes side by side from `start` to `end`; those before the first that makes no sense. */
function boxesIn(bytes: Buffer, start: number, end: number): Box[] {
  const boxes: Box[] = [];
  for (let at = start; at + HEADER <= end; ) {
    let length = bytes.readUInt32BE(at);
    let header = HEADER;
    if (length === 1 && at + 2 * HEADER <= end) {
      header = 2 * HEADER;
      length = bytes.readUInt32BE(at + 8) * 2 ** 32 + bytes.readUInt32BE(at + 12);
    } else if (length === 0) length = end - at;
    if (length < header || at + length > end) break;
    boxes.push({ kind: bytes.toString('latin1', at + 4, at + 8), start: at + header, end: at + length });
    at += length;
  }
  return boxes;
}
