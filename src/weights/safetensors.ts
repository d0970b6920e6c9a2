/**
 * safetensors files: eight bytes of header length, a JSON header of names, dtypes, shapes and byte ranges, then the
 * values. The format holds no code. Every range is checked before its bytes are used.
 *
 * Source: the format's description in the README of huggingface/safetensors.
 */

import { FileError } from '../errors.ts';
import { writeFileAtomic } from './atomic.ts';
import { BYTES_PER_ELEMENT, isStoredDtype, toFloat32 } from './dtype.ts';
import { InputFile, quote } from './file.ts';
import { type Checkpoint, countNumbers, type StoredDtype, type TensorData } from './types.ts';

const LENGTH_BYTES = 8;
/**
 * Bytes; enough for some 300,000 tensors. The format allows 10^8. But parsing hostile JSON takes thirty times its
 * length in memory, and running out of memory cannot be caught.
 */
const LARGEST_HEADER = 2 ** 25;
/** torch's own limit. */
const MOST_DIMENSIONS = 64;
const METADATA_KEY = '__metadata__';
/** Aligns the values, the eight-byte ones first, for readers that map the file. */
const HEADER_ALIGNMENT = 8;

interface HeaderEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Offset from the end of the header, in bytes. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads all tensors, as float32.
 * @throws FileError if the file is missing, cut off or damaged, holds a dtype that cannot be read as float32 here
 *   (float8), or has ranges that overlap, leave gaps or do not fit their shapes
 */
export function readSafetensors(path: string): Checkpoint {
  return InputFile.use(path, readSafetensorsFile);
}

/** Reads an open file. @throws FileError as readSafetensors */
export function readSafetensorsFile(file: InputFile): Checkpoint {
  const { entries, metadata, dataStart } = readHeader(file);
  checkRanges(file, entries, file.size - dataStart);
  const tensors = new Map<string, TensorData>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const bytes = file.read(dataStart + begin, end - begin, `tensor ${quote(name)}`);
    tensors.set(name, { shape, data: decode(file, name, bytes, dtype), dtype });
  }
  return { tensors, metadata };
}

function readHeader(file: InputFile): {
  entries: HeaderEntry[];
  metadata: Record<string, string>;
  dataStart: number;
} {
  const start = file.read(0, LENGTH_BYTES, 'the safetensors header length');
  const length = Number(new DataView(start.buffer).getBigUint64(0, true));
  if (length < 2 || length > LARGEST_HEADER || LENGTH_BYTES + length > file.size) {
    file.fail(
      `not a safetensors file, or cut off: its first eight bytes announce a header of ${length} bytes (expected 2 to ` +
        `${LARGEST_HEADER}, and the file has ${file.size}); download or save it again`,
    );
  }
  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      file.read(LENGTH_BYTES, length, 'the header'),
    );
    header = JSON.parse(text);
  } catch (error) {
    if (error instanceof FileError) throw error;
    file.fail(`its safetensors header is not valid JSON (${(error as Error).message}); download or save it again`);
  }
  if (!isRecord(header)) file.fail('its safetensors header is not a JSON object; download or save it again');
  const entries: HeaderEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA_KEY) metadata = checkMetadata(file, value);
    else entries.push(checkEntry(file, name, value));
  }
  return { entries, metadata, dataStart: LENGTH_BYTES + length };
}

function checkMetadata(file: InputFile, value: unknown): Record<string, string> {
  if (isRecord(value) && Object.values(value).every((text) => typeof text === 'string')) {
    return value as Record<string, string>;
  }
  return file.fail(`its ${METADATA_KEY} is not a map from strings to strings; save the file again`);
}

function checkEntry(file: InputFile, name: string, value: unknown): HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (!isStoredDtype(dtype)) {
    const known = Object.keys(BYTES_PER_ELEMENT).join(', ');
    file.fail(
      `tensor ${quote(name)} has ${typeof dtype === 'string' ? `dtype ${quote(dtype)}` : 'no dtype'}, expected one ` +
        `of ${known}; convert it to F32`,
    );
  }
  if (!isCounts(shape) || shape.length > MOST_DIMENSIONS || !isCounts(offsets) || offsets.length !== 2) {
    file.fail(`tensor ${quote(name)} lacks a shape or data_offsets of whole numbers; save the file again`);
  }
  const [begin, end] = offsets as [number, number];
  const expected = countNumbers(shape) * BYTES_PER_ELEMENT[dtype];
  if (end - begin !== expected) {
    file.fail(
      `tensor ${quote(name)} of shape [${shape.join(', ')}] and dtype ${dtype} takes ${expected} bytes, but its offsets ` +
        `[${begin}, ${end}] hold ${end - begin}; the file is damaged: download or save it again`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The format allows neither overlaps nor gaps. This also catches a name that appears twice in the header. */
function checkRanges(file: InputFile, entries: readonly HeaderEntry[], dataLength: number): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of sorted) {
    if (begin !== position) {
      file.fail(
        `tensor ${quote(name)} starts at byte ${begin} of the data, expected ${position}: the tensors ` +
          `${begin < position ? 'overlap' : 'leave a gap'}; save the file again`,
      );
    }
    position = end;
  }
  if (position !== dataLength) {
    file.fail(
      `its tensors take ${position} bytes of data but ${dataLength} are there: ` +
        `${position > dataLength ? 'the file is cut off; download it again' : 'save the file again'}`,
    );
  }
}

function decode(file: InputFile, name: string, bytes: Uint8Array, dtype: StoredDtype): Float32Array {
  try {
    return toFloat32(bytes, dtype);
  } catch (error) {
    // Typed arrays throw RangeError if memory runs out.
    const reason = (error as Error).message;
    return file.fail(`tensor ${quote(name)} of ${bytes.length} bytes cannot be decoded (${reason}); free memory`);
  }
}

/**
 * Writes the file whole or not at all. Tensors are F32, except those whose `dtype` is 'I64'. The same checkpoint gives
 * the same bytes, whatever the order of its tensors.
 * @returns bytes written
 * @throws FileError if a tensor's data does not fit its shape, an I64 value is not whole, or the file cannot be written
 */
export function writeSafetensors(path: string, checkpoint: Checkpoint): number {
  return writeFileAtomic(path, encodeSafetensors(path, checkpoint));
}

/** The bytes of the file that `writeSafetensors` writes. @throws FileError as it does, naming `path` */
export function encodeSafetensors(path: string, checkpoint: Checkpoint): Iterable<Uint8Array> {
  const tensors = [...checkpoint.tensors].map(([name, tensor]) => {
    checkTensor(path, name, tensor);
    const dtype: StoredDtype = tensor.dtype === 'I64' ? 'I64' : 'F32';
    return { name, tensor, dtype };
  });
  // Larger elements first, as in the format's own writer: this keeps each range aligned.
  tensors.sort((a, b) => BYTES_PER_ELEMENT[b.dtype] - BYTES_PER_ELEMENT[a.dtype] || compare(a.name, b.name));

  // Built as text: an object would move names that look like numbers to the front.
  const parts: string[] = [];
  const metadata = Object.entries(checkpoint.metadata).sort(([a], [b]) => compare(a, b));
  if (metadata.length > 0) {
    const pairs = metadata.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    parts.push(`${JSON.stringify(METADATA_KEY)}:{${pairs.join(',')}}`);
  }
  let position = 0;
  for (const { name, tensor, dtype } of tensors) {
    const end = position + tensor.data.length * BYTES_PER_ELEMENT[dtype];
    const entry = { dtype, shape: tensor.shape, data_offsets: [position, end] };
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    position = end;
  }
  const json = new TextEncoder().encode(`{${parts.join(',')}}`);
  const headerLength = Math.ceil(json.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  if (headerLength > LARGEST_HEADER) {
    throw new FileError(
      `${path}: not written: its header would take ${headerLength} bytes, expected at most ${LARGEST_HEADER}; ` +
        'shorten the metadata or the names',
    );
  }
  const header = new Uint8Array(LENGTH_BYTES + headerLength).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerLength), true);
  header.set(json, LENGTH_BYTES);

  const chunks = function* (): Generator<Uint8Array> {
    yield header;
    for (const { tensor, dtype } of tensors) yield encode(tensor.data, dtype);
  };
  return chunks();
}

function checkTensor(path: string, name: string, { shape, data, dtype }: TensorData): void {
  if (name === METADATA_KEY) throw new FileError(`${path}: no tensor can be called ${METADATA_KEY}; rename it`);
  if (!isCounts(shape) || countNumbers(shape) !== data.length) {
    throw new FileError(
      `${path}: not written: tensor ${quote(name)} of shape [${shape.join(', ')}] needs ${countNumbers(shape)} ` +
        `values, but has ${data.length}; correct its shape or its data`,
    );
  }
  if (dtype === 'I64' && !data.every((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 63)) {
    throw new FileError(
      `${path}: not written: tensor ${quote(name)} has dtype I64 but holds values that are not whole; use F32`,
    );
  }
}

function encode(data: Float32Array, dtype: StoredDtype): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(BigInt64Array.from(data, (value) => BigInt(value)).buffer);
}

/** Compares by code units: the same on every machine, unlike a comparison by language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
