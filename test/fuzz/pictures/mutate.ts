/**
 * Mutations that know the structure of a format: they change its fields, and move, repeat and drop its parts, and then
 * repair the checksums, as otherwise most files would be refused at once.
 */

import { deflateSync, inflateSync } from 'node:zlib';
import crc32 from 'crc-32';
import { type Parts, partsOf } from './parts.ts';
import type { Format, PictureSeed } from './seeds.ts';

/** Random numbers that depend only on the seed (mulberry32). */
export class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below `count`. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * count);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  chance(part: number): boolean {
    return this.below(1000) < part * 1000;
  }
}

const NUMBERS = [0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 17, 24, 31, 32, 40, 63, 64, 100, 127, 128, 255, 256, 257, 300, 1000];
const LARGE = [32767, 32768, 65535, 65536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1];
/** Changes of one picture; a few, as most pictures that are changed much are refused at once. */
const CHANGES = [1, 1, 1, 1, 2, 2, 3, 4];

/** One mutated picture; the same for the same numbers and seeds. */
export function mutatedPicture(seeds: readonly PictureSeed[], run: number, index: number) {
  const draws = new Draws(Math.imul(run + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const seed = draws.of(seeds);
  let bytes: Buffer = Buffer.from(seed.bytes);
  for (let change = draws.of(CHANGES); change > 0; change--) bytes = mutate(bytes, seed.format, seeds, draws);
  if (seed.format === 'png' && draws.chance(0.95)) repairPng(bytes);
  return { seed, bytes };
}

function mutate(bytes: Buffer, format: Format, seeds: readonly PictureSeed[], draws: Draws): Buffer {
  const parts = partsOf(bytes, format);
  const ways = [setField, setField, setField, changeBytes, changeBytes, moveSegment, cut];
  if (format === 'png') ways.push(changePixels, changePixels);
  if (draws.chance(0.05)) {
    const other = draws.of(seeds.filter((seed) => seed.format === format)).bytes;
    return splice(bytes, parts, other, partsOf(other, format), draws);
  }
  return draws.of(ways)(bytes, parts, draws);
}

function setField(bytes: Buffer, { fields }: Parts, draws: Draws): Buffer {
  const inside = fields.filter(({ at, size }) => at + size <= bytes.length);
  if (inside.length === 0) return bytes;
  const { at, size, little } = draws.of(inside);
  const old = little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  const near = old + draws.below(7) - 3;
  const chosen = draws.of([near, old ^ (1 << draws.below(8)), draws.of(NUMBERS), draws.of(NUMBERS), draws.of(LARGE)]);
  const value = (chosen >>> 0) % 2 ** (8 * size);
  if (little) bytes.writeUIntLE(value, at, size);
  else bytes.writeUIntBE(value, at, size);
  return bytes;
}

function changeBytes(bytes: Buffer, _: Parts, draws: Draws): Buffer {
  if (bytes.length === 0) return bytes;
  for (let count = draws.below(4); count >= 0; count--) {
    const at = draws.below(bytes.length);
    bytes[at] = draws.chance(0.5) ? bytes[at]! ^ (1 << draws.below(8)) : draws.of([0, 255, 128, draws.below(256)]);
  }
  return bytes;
}

function moveSegment(bytes: Buffer, { segments }: Parts, draws: Draws): Buffer {
  if (segments.length < 2) return bytes;
  const from = draws.of(segments);
  const to = draws.of(segments);
  const piece = bytes.subarray(from.start, from.end);
  const way = draws.below(3);
  if (way === 0) return Buffer.concat([bytes.subarray(0, from.start), bytes.subarray(from.end)]);
  const repeated = Buffer.concat([bytes.subarray(0, to.start), piece, bytes.subarray(to.start)]);
  if (way === 1) return repeated;
  const shift = to.start <= from.start ? piece.length : 0;
  return Buffer.concat([repeated.subarray(0, from.start + shift), repeated.subarray(from.end + shift)]);
}

function cut(bytes: Buffer, _: Parts, draws: Draws): Buffer {
  const at = draws.below(bytes.length + 1);
  if (draws.chance(0.5)) return Buffer.from(bytes.subarray(0, at));
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + draws.below(9))]);
}

function splice(bytes: Buffer, parts: Parts, other: Buffer, otherParts: Parts, draws: Draws): Buffer {
  if (parts.segments.length === 0 || otherParts.segments.length === 0) return bytes;
  const to = draws.of(parts.segments);
  const from = draws.of(otherParts.segments);
  const end = draws.chance(0.5) ? to.end : to.start;
  return Buffer.concat([bytes.subarray(0, to.start), other.subarray(from.start, from.end), bytes.subarray(end)]);
}

/** Changes bytes of a PNG's pixels before their compression. */
function changePixels(bytes: Buffer, { segments }: Parts, draws: Draws): Buffer {
  const data = segments.filter(({ kind }) => kind === 'IDAT');
  const [first] = data;
  if (!first || data.length > 1) return bytes;
  let pixels: Buffer;
  try {
    pixels = inflateSync(bytes.subarray(first.start + 8, first.end - 4), { maxOutputLength: 2 ** 20 });
  } catch {
    return bytes;
  }
  const changed = draws.chance(0.2)
    ? cut(pixels, { fields: [], segments: [] }, draws)
    : changeBytes(pixels, { fields: [], segments: [] }, draws);
  const packed = deflateSync(changed);
  const chunk = Buffer.concat([Buffer.alloc(4), Buffer.from('IDAT'), packed, Buffer.alloc(4)]);
  chunk.writeUInt32BE(packed.length, 0);
  return Buffer.concat([bytes.subarray(0, first.start), chunk, bytes.subarray(first.end)]);
}

function repairPng(bytes: Buffer): void {
  for (const { start, end } of partsOf(bytes, 'png').segments) {
    if (end - start < 12) continue;
    bytes.writeInt32BE(crc32.buf(bytes.subarray(start + 4, end - 4)), end - 4);
  }
}
