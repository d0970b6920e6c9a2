/**
 * The part of the zip format that torch's files use: central directory, ZIP64, stored entries, CRC-32. Deflated entries
 * are read too, for files that someone packed again.
 *
 * Why no package: `fflate` needs the whole archive in memory, copies each entry and trusts its sizes; `yauzl` returns
 * asynchronous streams. Here an entry is read once, from the file straight into the tensor's memory.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (ends).
 */

import * as zlib from 'node:zlib';
import slowCrc32 from 'crc-32';
import { quote } from '../printable.ts';
import type { InputFile } from './file.ts';
import { LIMIT_TEXT, mostBytes } from './limits.ts';

const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR64_SIGNATURE = 0x07064b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const LOCATOR64_BYTES = 20;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const LONGEST_COMMENT = 0xffff;
/** In bytes: enough for some hundred thousand entries; a checkpoint has one per tensor. */
const LARGEST_DIRECTORY = 2 ** 25;
const STORED = 0;
const DEFLATED = 8;
/** Of MS-DOS, in an entry's external attributes. */
const FOLDER_ATTRIBUTE = 0x10;
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

export interface ZipEntry {
  readonly name: string;
  /** Uncompressed bytes. */
  readonly size: number;
  readonly storedSize: number;
  readonly method: number;
  readonly crc: number;
  /** Offset of the local header from the start of the file. */
  readonly headerOffset: number;
}

/**
 * Reads the central directory.
 * @returns entries by name, in the directory's order
 * @throws FileError if the archive is cut off, damaged, encrypted, split, or has entries that overlap
 */
export function readZipDirectory(file: InputFile): Map<string, ZipEntry> {
  const { count, offset, length } = findDirectory(file);
  const bytes = file.read(offset, length, 'the zip directory');
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let position = 0;
  let stored = 0;
  let unpacked = 0;
  for (let i = 0; i < count; i++) {
    if (position + CENTRAL_BYTES > length || view.getUint32(position, true) !== CENTRAL_SIGNATURE) {
      file.fail(`the zip directory is damaged at entry ${i} of ${count}; download or save the file again`);
    }
    const nameLength = view.getUint16(position + 28, true);
    const extraLength = view.getUint16(position + 30, true);
    const commentLength = view.getUint16(position + 32, true);
    const end = position + CENTRAL_BYTES + nameLength + extraLength + commentLength;
    if (end > length) file.fail(`entry ${i} of the zip directory runs past its end; download or save the file again`);
    const entry = readCentralHeader(file, bytes, position, nameLength, extraLength);
    if (entries.has(entry.name)) file.fail(`the zip holds two entries named ${quote(entry.name)}; save the file again`);
    entries.set(entry.name, entry);
    stored += entry.storedSize;
    unpacked += entry.size;
    position = end;
  }
  if (stored > file.size) {
    file.fail(
      `the zip's entries claim ${stored} bytes but the file has ${file.size}: they overlap, or it is damaged; ` +
        'download or save it again',
    );
  }
  if (unpacked > mostBytes(file.size)) {
    file.fail(
      `the zip's entries claim to unpack to ${unpacked} bytes, beyond ${LIMIT_TEXT} (${file.size}), so it is refused as ` +
        'a zip bomb; save the state dict with torch.save',
    );
  }
  return entries;
}

/**
 * @returns the entry's bytes, uncompressed and checked, in their own buffer
 * @throws FileError if they are missing or do not match their CRC-32
 */
export function readZipEntry(file: InputFile, entry: ZipEntry): Uint8Array {
  const what = `zip entry ${quote(entry.name)}`;
  const local = viewOf(file.read(entry.headerOffset, LOCAL_BYTES, `the header of ${what}`));
  if (local.getUint32(0, true) !== LOCAL_SIGNATURE) {
    file.fail(`${what} does not start where the directory says; download or save the file again`);
  }
  // The local name and extra field differ in length from the central ones: torch pads here to align data to a multiple
  // of 64. Sizes come from the directory, since the local ones are zero if a data descriptor follows.
  const start = entry.headerOffset + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  const raw = file.read(start, entry.storedSize, what);
  const bytes = entry.method === STORED ? raw : inflate(file, entry, raw);
  if (crc32(bytes) !== entry.crc) {
    file.fail(`${what} does not match its checksum (CRC-32): the file is damaged; download or save it again`);
  }
  return bytes;
}

function findDirectory(file: InputFile): { count: number; offset: number; length: number } {
  const tailLength = Math.min(file.size, END_BYTES + LONGEST_COMMENT);
  const tailStart = file.size - tailLength;
  const tail = viewOf(file.read(tailStart, tailLength, 'the end of the zip'));
  let at = tailLength - END_BYTES;
  // Only a comment follows the record, and the record states its length: both must agree.
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === END_SIGNATURE && tail.getUint16(at + 20, true) === tailLength - END_BYTES - at)
  ) {
    at--;
  }
  if (at < 0) {
    file.fail(
      'starts like a zip (a torch .pth) but its directory is missing: it is cut off; download or save it again',
    );
  }
  const count = tail.getUint16(at + 10, true);
  const length = tail.getUint32(at + 12, true);
  const offset = tail.getUint32(at + 16, true);
  const found =
    count === 0xffff || length === 0xffffffff || offset === 0xffffffff
      ? (readEnd64(file, tailStart + at) ?? { count, offset, length })
      : { count, offset, length };
  if (found.count * CENTRAL_BYTES > found.length || found.length > LARGEST_DIRECTORY) {
    file.fail(
      `the zip directory claims ${found.count} entries in ${found.length} bytes; the file is damaged, save it again`,
    );
  }
  return found;
}

/**
 * The ZIP64 end record, used if the plain one is too small. Undefined if there is none, as with exactly 65535 entries.
 */
function readEnd64(file: InputFile, endOffset: number): { count: number; offset: number; length: number } | undefined {
  const locatorOffset = endOffset - LOCATOR64_BYTES;
  if (locatorOffset < 0) return undefined;
  const locator = viewOf(file.read(locatorOffset, LOCATOR64_BYTES, 'the ZIP64 locator'));
  if (locator.getUint32(0, true) !== LOCATOR64_SIGNATURE) return undefined;
  const end = viewOf(file.read(readUint64(file, locator, 8), 56, 'the ZIP64 end record'));
  if (end.getUint32(0, true) !== END64_SIGNATURE) file.fail('the ZIP64 end record is damaged; save the file again');
  return { count: readUint64(file, end, 32), length: readUint64(file, end, 40), offset: readUint64(file, end, 48) };
}

function readCentralHeader(
  file: InputFile,
  bytes: Uint8Array,
  position: number,
  nameLength: number,
  extraLength: number,
): ZipEntry {
  const view = viewOf(bytes);
  const nameStart = position + CENTRAL_BYTES;
  const name = UTF8.decode(bytes.subarray(nameStart, nameStart + nameLength));
  const flags = view.getUint16(position + 8, true);
  const method = view.getUint16(position + 10, true);
  if (flags & 1)
    file.fail(`zip entry ${quote(name)} is encrypted; unpack it and save the checkpoint without a password`);
  if (method !== STORED && method !== DEFLATED) {
    file.fail(
      `zip entry ${quote(name)} uses compression method ${method}, expected 0 (stored) or 8 (deflate); save it with ` +
        'torch.save',
    );
  }
  let storedSize = view.getUint32(position + 20, true);
  let size = view.getUint32(position + 24, true);
  let headerOffset = view.getUint32(position + 42, true);
  // A field of all ones continues in the ZIP64 extra field, which holds only those fields, in this order.
  const wide = zip64Field(bytes, nameStart + nameLength, extraLength);
  let next = 0;
  const widen = (narrow: number): number => {
    if (narrow !== 0xffffffff) return narrow;
    if (wide === undefined || next + 8 > wide.byteLength) {
      file.fail(`zip entry ${quote(name)} lacks its ZIP64 size; the file is damaged, save it again`);
    }
    next += 8;
    return readUint64(file, wide, next - 8);
  };
  size = widen(size);
  storedSize = widen(storedSize);
  headerOffset = widen(headerOffset);
  if (method === STORED && size !== storedSize) {
    file.fail(
      `zip entry ${quote(name)} is stored in ${storedSize} bytes but claims to hold ${size}; the file is damaged, ` +
        'save it again',
    );
  }
  // Readers differ on such entries: torch takes it for a folder, reads nothing, and uses what its memory held before.
  const isFolder = (view.getUint32(position + 38, true) & FOLDER_ATTRIBUTE) !== 0 || name.endsWith('/');
  if (isFolder && size > 0) {
    file.fail(`zip entry ${quote(name)} is marked as a folder but holds ${size} bytes; save it again with torch.save`);
  }
  return { name, size, storedSize, method, crc: view.getUint32(position + 16, true), headerOffset };
}

/** Extra fields are a list of (id, length, bytes); id 1 is ZIP64's. */
function zip64Field(bytes: Uint8Array, start: number, length: number): DataView | undefined {
  const view = viewOf(bytes);
  const end = start + length;
  for (let at = start; at + 4 <= end; ) {
    const fieldLength = view.getUint16(at + 2, true);
    if (at + 4 + fieldLength > end) return undefined;
    if (view.getUint16(at, true) === 1) return viewOf(bytes.subarray(at + 4, at + 4 + fieldLength));
    at += 4 + fieldLength;
  }
  return undefined;
}

function inflate(file: InputFile, entry: ZipEntry, raw: Uint8Array): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = zlib.inflateRawSync(raw, { maxOutputLength: Math.max(entry.size, 1) });
  } catch (error) {
    return file.fail(`zip entry ${quote(entry.name)} cannot be unpacked (${(error as Error).message}); save it again`);
  }
  if (bytes.length !== entry.size) {
    file.fail(
      `zip entry ${quote(entry.name)} unpacks to ${bytes.length} bytes, but its header says ${entry.size}; the file ` +
        'is damaged, save it again',
    );
  }
  return bytes;
}

function readUint64(file: InputFile, view: DataView, offset: number): number {
  const value = view.getBigUint64(offset, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    file.fail(`the zip names an impossible position (${value}); the file is damaged, save it again`);
  }
  return Number(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The CRC-32, without a sign. Node has a fast one since 20.15. */
export function crc32(bytes: Uint8Array): number {
  return typeof zlib.crc32 === 'function' ? zlib.crc32(bytes) : slowCrc32.buf(bytes) >>> 0;
}
