/** The fields and parts of picture files, as far as they can be followed. */
import type { Format } from './seeds.ts';

export interface Field {
  readonly at: number;
  /** 1, 2 or 4 bytes. */
  readonly size: 1 | 2 | 4;
  readonly little: boolean;
}

export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

export interface Parts {
  readonly fields: readonly Field[];
  readonly segments: readonly Segment[];
}

const SOME = 64;

/** @returns what is found before the first part that makes no sense */
export function partsOf(bytes: Buffer, format: Format): Parts {
  const fields: Field[] = [];
  const segments: Segment[] = [];
  const field = (at: number, size: Field['size'], little: boolean) => fields.push({ at, size, little });
  try {
    READERS[format](bytes, field, (start, end, kind = '') => {
      if (end > bytes.length || end <= start) throw new RangeError('It ends too early.');
      segments.push({ start, end, kind });
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return { fields, segments };
}

type Reader = (
  bytes: Buffer,
  field: (at: number, size: Field['size'], little: boolean) => void,
  segment: (start: number, end: number, kind?: string) => void,
) => void;

/** Boxes in boxes: those of these kinds hold others, some behind four bytes of their own. */
const HOLDS: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0, iref: 4 };

const boxes: Reader = (bytes, field, segment) => {
  const walk = (start: number, end: number): void => {
    for (let at = start; at + 8 <= end; ) {
      const length = bytes.readUInt32BE(at);
      const kind = bytes.toString('latin1', at + 4, at + 8);
      segment(at, at + length, kind);
      field(at, 4, false);
      const body = Object.hasOwn(HOLDS, kind) ? HOLDS[kind]! : length;
      for (let i = 8; i < Math.min(body + 8, length, SOME); i++) field(at + i, 1, false);
      for (let i = 8; i + 4 <= Math.min(body + 8, length, SOME); i += 4) field(at + i, 4, false);
      if (Object.hasOwn(HOLDS, kind)) walk(at + 8 + body, at + length);
      at += length;
    }
  };
  walk(0, bytes.length);
};

const READERS: Readonly<Record<Format, Reader>> = {
  avif: boxes,
  heic: boxes,
  png: (bytes, field, segment) => {
    for (let at = 8; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at);
      const kind = bytes.toString('latin1', at + 4, at + 8);
      segment(at, at + 12 + length, kind);
      field(at, 4, false);
      if (kind === 'IHDR') {
        field(at + 8, 4, false);
        field(at + 12, 4, false);
        for (let i = 16; i < 21; i++) field(at + i, 1, false);
      } else if (kind !== 'IDAT') {
        for (let i = 0; i < Math.min(length, SOME); i++) field(at + 8 + i, 1, false);
      }
      at += 12 + length;
    }
  },
  jpeg: (bytes, field, segment) => {
    for (let at = 2; at < bytes.length; ) {
      const kind = bytes.readUInt8(at + 1);
      const length = bytes.readUInt16BE(at + 2);
      for (let i = 2; i < Math.min(length + 2, SOME); i++) field(at + i, 1, false);
      field(at + 1, 1, false);
      field(at + 2, 2, false);
      if (kind >= 0xc0 && kind <= 0xc2) {
        field(at + 5, 2, false);
        field(at + 7, 2, false);
      }
      let end = at + 2 + length;
      if (kind === 0xda) {
        // The coded pixels reach to the next marker.
        while (end + 1 < bytes.length && (bytes[end] !== 0xff || bytes[end + 1] === 0)) end++;
      }
      segment(at, end, String(kind));
      at = end;
      if (bytes[at + 1] === 0xd9) return segment(at, at + 2, 'end');
    }
  },
  webp: (bytes, field, segment) => {
    field(4, 4, true);
    for (let at = 12; at < bytes.length; ) {
      const length = bytes.readUInt32LE(at + 4);
      for (let i = 0; i < Math.min(length, 30); i++) field(at + 8 + i, 1, true);
      field(at + 4, 4, true);
      segment(at, at + 8 + length + (length & 1), bytes.toString('latin1', at, at + 4));
      at += 8 + length + (length & 1);
    }
  },
  gif: (bytes, field, segment) => {
    field(6, 2, true);
    field(8, 2, true);
    for (const at of [10, 11, 12]) field(at, 1, true);
    const palette = (flags: number) => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
    let at = 13 + palette(bytes.readUInt8(10));
    segment(13, at, 'palette');
    while (at < bytes.length) {
      const start = at;
      const kind = bytes.readUInt8(at++);
      if (kind === 0x2c) {
        for (const i of [0, 2, 4, 6]) field(at + i, 2, true);
        field(at + 8, 1, true);
        at += 9 + palette(bytes.readUInt8(at + 8));
        field(at++, 1, true);
      } else if (kind === 0x21) {
        for (let i = 0; i < 8; i++) field(at + i, 1, true);
        at++;
      } else return;
      while (bytes.readUInt8(at) > 0) {
        field(at, 1, true);
        field(at + 1, 1, true);
        at += 1 + bytes[at]!;
      }
      at++;
      segment(start, at, String(kind));
    }
  },
  tiff: (bytes, field, segment) => {
    const little = bytes[0] === 0x49;
    const u16 = (at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
    const u32 = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
    const isBig = u16(2) === 43;
    const at = u32(isBig ? 8 : 4);
    field(isBig ? 8 : 4, 4, little);
    const entry = isBig ? 20 : 12;
    const count = u16(at);
    field(at, 2, little);
    for (let i = 0; i < count; i++) {
      const start = at + (isBig ? 8 : 2) + i * entry;
      field(start, 2, little);
      field(start + 2, 2, little);
      field(start + 4, 4, little);
      field(start + (isBig ? 12 : 8), 4, little);
      field(start + (isBig ? 12 : 8), 2, little);
      segment(start, start + entry, 'entry');
    }
  },
  bmp: (bytes, field, segment) => {
    field(10, 4, true);
    field(14, 4, true);
    for (let at = 18; at < 70; at += 4) field(at, 4, true);
    for (const at of [26, 28]) field(at, 2, true);
    const start = bytes.readUInt32LE(10);
    for (let at = 70; at < Math.min(start, 70 + SOME); at++) field(at, 1, true);
    segment(14, 14 + bytes.readUInt32LE(14), 'header');
    segment(14 + bytes.readUInt32LE(14), start, 'palette');
    for (let at = start; at < Math.min(bytes.length, start + SOME); at++) field(at, 1, true);
    segment(start, bytes.length, 'pixels');
  },
  pnm: (bytes, field, segment) => {
    for (let at = 1; at < Math.min(bytes.length, 40); at++) {
      field(at, 1, true);
      if (bytes[at] === 10) segment(at, Math.min(bytes.length, at + 10), 'line');
    }
  },
};
