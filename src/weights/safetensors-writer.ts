/** Writes safetensors. Tensors that were read keep their dtype and their bits. */

import { FileError } from '../errors.ts';
import { writeFileAtomic } from './atomic.ts';
import { BYTES_PER_ELEMENT } from './dtype.ts';
import { type Outgoing, outgoing } from './outgoing.ts';
import { LARGEST_HEADER, LENGTH_BYTES, METADATA_KEY } from './safetensors.ts';
import type { Checkpoint } from './types.ts';

/** Aligns the values, the eight-byte ones first, for readers that map the file. */
const HEADER_ALIGNMENT = 8;

/**
 * Writes the file whole or not at all. A tensor that was read is written as it was stored. One made in memory is F32,
 * or I64 if its `dtype` says so. The same checkpoint gives the same bytes, whatever the order of its tensors.
 * @returns bytes written
 * @throws FileError if a tensor's data does not fit its shape, an I64 value is not whole, or the file cannot be written
 */
export function writeSafetensors(path: string, checkpoint: Checkpoint): number {
  return writeFileAtomic(path, encodeSafetensors(path, checkpoint));
}

/** The bytes of the file that `writeSafetensors` writes. @throws FileError as it does, naming `path` */
export function encodeSafetensors(path: string, checkpoint: Checkpoint): Iterable<Uint8Array> {
  const tensors = [...checkpoint.tensors].map(([name, tensor]) => {
    if (name === METADATA_KEY) throw new FileError(`${path}: no tensor can be called ${METADATA_KEY}; rename it`);
    return outgoing(path, name, tensor);
  });
  // Larger elements first, as in the format's own writer: this keeps each range aligned.
  tensors.sort((a, b) => BYTES_PER_ELEMENT[b.dtype] - BYTES_PER_ELEMENT[a.dtype] || compare(a.name, b.name));
  const header = encodeHeader(path, tensors, checkpoint.metadata);
  return (function* () {
    yield header;
    for (const { bytes } of tensors) yield bytes();
  })();
}

/** Built as text: an object would move names that look like numbers to the front. */
function encodeHeader(path: string, tensors: readonly Outgoing[], metadata: Record<string, string>): Uint8Array {
  const parts: string[] = [];
  let length = 0;
  const checked = (text: string) => {
    length += text.length + 1;
    // Before the text outgrows what a string can hold.
    if (length > LARGEST_HEADER) failHeader(path);
    return text;
  };
  const pairs = Object.entries(metadata).sort(([a], [b]) => compare(a, b));
  if (pairs.length > 0) {
    const texts = pairs.map(([key, value]) => `${checked(JSON.stringify(key))}:${checked(JSON.stringify(value))}`);
    parts.push(`${JSON.stringify(METADATA_KEY)}:{${texts.join(',')}}`);
  }
  let position = 0;
  for (const { name, dtype, shape, size } of tensors) {
    const end = position + size;
    const entry = JSON.stringify({ dtype, shape, data_offsets: [position, end] });
    parts.push(checked(`${JSON.stringify(name)}:${entry}`));
    position = end;
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const headerLength = Math.ceil(json.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  if (headerLength > LARGEST_HEADER) failHeader(path);
  const header = new Uint8Array(LENGTH_BYTES + headerLength).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerLength), true);
  header.set(json, LENGTH_BYTES);
  return header;
}

function failHeader(path: string): never {
  throw new FileError(
    `${path}: not written: its header would take more than ${LARGEST_HEADER} bytes; shorten the metadata or the names`,
  );
}

/** Compares by code units: the same on every machine, unlike a comparison by language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
