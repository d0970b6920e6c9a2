/**
 * JPEG by sharp. A progressive file whose last scans are missing is refused: libjpeg smooths what they would have made
 * precise, and its versions, so sharp's and Pillow's, do so differently.
 */
import { PictureError } from './picture-file.ts';
import { openWithSharp } from './sharp-source.ts';
import type { Source } from './source.ts';

const BASELINE = 0xc0;
const EXTENDED = 0xc1;
const PROGRESSIVE = 0xc2;
const SCAN = 0xda;
const END = 0xd9;
/** The coefficients of a block that libjpeg looks at, the constant one included. */
const WATCHED = 10;

/**
 * Opens a JPEG.
 * @param turns whether to heed the orientation in its EXIF
 * @throws PictureError if it lacks scans; errors of sharp. `decode` likewise
 */
export async function openJpeg(bytes: Buffer, turns: boolean): Promise<Source> {
  if (lacksScans(bytes)) {
    throw new PictureError('this progressive JPEG lacks its last scans: it is cut off or damaged');
  }
  return openWithSharp(bytes, 'jpeg', { turns });
}

function lacksScans(bytes: Buffer): boolean {
  /** For each component, the bits that each coefficient still lacks. */
  const lacking = new Map<number, Uint8Array>();
  for (let at = 2; at + 3 < bytes.length; ) {
    const kind = bytes[at + 1]!;
    // Fill bytes, stray ones between segments, zeros and restarts inside of scans.
    if (bytes[at] !== 0xff || kind === 0xff || kind === 0 || (kind >= 0xd0 && kind <= 0xd7)) {
      // The next marker can only begin at a 0xff.
      const next = bytes.indexOf(0xff, at + 1);
      if (next < 0) break;
      at = next;
      continue;
    }
    // Without progression there is one scan for each component, and nothing to make precise.
    if (kind === END || kind === BASELINE || kind === EXTENDED) break;
    const body = at + 4;
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) break;
    if (kind === PROGRESSIVE) {
      for (let i = 0; i < bytes[body + 5]!; i++) {
        const id = bytes[body + 6 + 3 * i];
        if (id !== undefined) lacking.set(id, new Uint8Array(WATCHED).fill(1));
      }
    }
    if (kind === SCAN && lacking.size > 0) noteScan(bytes, body, lacking);
    at = end;
  }
  return [...lacking.values()].some((bits) => bits.some((count) => count > 0));
}

function noteScan(bytes: Buffer, body: number, lacking: Map<number, Uint8Array>): void {
  const count = bytes[body]!;
  const [first, last, shift] = [0, 1, 2].map((i) => bytes[body + 1 + 2 * count + i] ?? 0) as [number, number, number];
  for (let i = 0; i < count; i++) {
    lacking.get(bytes[body + 1 + 2 * i] ?? -1)?.fill(shift & 15, first, Math.min(last + 1, WATCHED));
  }
}
