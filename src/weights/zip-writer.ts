/**
 * Writes a zip as torch writes its own: entries are stored, not deflated, and the bytes of each start at a multiple of
 * 64, so that a reader may map them. Entries are made one after the other; only the directory stays in memory.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16; torch's caffe2/serialize/inline_container.cc for
 * the padding.
 */

import { FileError } from '../errors.ts';
import { crc32 } from './zip.ts';

/** Bytes of an entry, made when they are written. */
export interface ZipContent {
  readonly name: string;
  readonly size: number;
  readonly bytes: () => Uint8Array;
}

const ALIGNMENT = 64;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
/** An extra field has an id and a length of two bytes each before its content. */
const EXTRA_HEAD = 4;
/** 'FB', which torch gives the field that only pads. */
const PADDING_ID = 0x4246;
/** Names are in UTF-8. */
const FLAGS = 1 << 11;
const VERSION = 20;
/** 1 January 1980, the first day that the format knows: the same content gives the same file. */
const DATE = (1 << 5) | 1;
/** The format without ZIP64 has 32 bits for sizes and offsets, and 16 for the number of entries. */
const MOST_BYTES = 2 ** 32 - 1;
const MOST_ENTRIES = 2 ** 16 - 1;

/**
 * The chunks of the archive.
 * @param path for messages
 * @throws FileError if it would take more than 4 GiB or 65,535 entries
 */
export function encodeZip(path: string, contents: readonly ZipContent[]): Iterable<Uint8Array> {
  const total = contents.reduce((sum, { name, size }) => sum + size + 2 * name.length + 4 * ALIGNMENT, END_BYTES);
  if (total > MOST_BYTES || contents.length > MOST_ENTRIES) {
    throw new FileError(
      `${path}: not written: ${contents.length} entries of about ${total} bytes together are beyond the ` +
        `${MOST_ENTRIES} entries and ${MOST_BYTES} bytes that this writer takes; write safetensors instead`,
    );
  }
  return chunksOf(contents);
}

function* chunksOf(contents: readonly ZipContent[]): Generator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, bytes: make } of contents) {
    const bytes = make();
    const encoded = new TextEncoder().encode(name);
    const facts = { crc: crc32(bytes), size: bytes.length, nameLength: encoded.length };
    const unpadded = offset + LOCAL_BYTES + encoded.length + EXTRA_HEAD;
    const padding = Math.ceil(unpadded / ALIGNMENT) * ALIGNMENT - unpadded;
    directory.push(centralHeader(facts, offset), encoded);
    yield localHeader(facts, EXTRA_HEAD + padding);
    yield encoded;
    yield paddingField(padding);
    yield bytes;
    offset = unpadded + padding + bytes.length;
  }
  yield* directory;
  const length = directory.reduce((sum, { byteLength }) => sum + byteLength, 0);
  yield endRecord(contents.length, length, offset);
}

interface Facts {
  readonly crc: number;
  readonly size: number;
  readonly nameLength: number;
}

function localHeader(facts: Facts, extraLength: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(LOCAL_BYTES));
  view.setUint32(0, 0x04034b50, true);
  writeFacts(view, 4, facts);
  view.setUint16(28, extraLength, true);
  return bytesOf(view);
}

function centralHeader(facts: Facts, offset: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(CENTRAL_BYTES));
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, VERSION, true);
  writeFacts(view, 6, facts);
  view.setUint32(42, offset, true);
  return bytesOf(view);
}

/** What both headers have in common. The method is 0, stored, and so is the time. */
function writeFacts(view: DataView, at: number, { crc, size, nameLength }: Facts): void {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 2, FLAGS, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, size, true);
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, nameLength, true);
}

function paddingField(padding: number): Uint8Array {
  const field = new Uint8Array(EXTRA_HEAD + padding).fill('Z'.charCodeAt(0));
  const view = new DataView(field.buffer);
  view.setUint16(0, PADDING_ID, true);
  view.setUint16(2, padding, true);
  return field;
}

function endRecord(count: number, length: number, offset: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(END_BYTES));
  view.setUint32(0, 0x06054b50, true);
  // Twice: on this disk, and in all. torch refuses archives whose two counts differ.
  view.setUint16(8, count, true);
  view.setUint16(10, count, true);
  view.setUint32(12, length, true);
  view.setUint32(16, offset, true);
  return bytesOf(view);
}

const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);
