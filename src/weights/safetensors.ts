/**
 * Reads safetensors files: eight bytes of header length, a JSON header of names, dtypes, shapes and byte ranges, then
 * the values. The format holds no code. Every range is checked before its bytes are used.
 *
 * Source: the format's description in the README of huggingface/safetensors.
 */

import { quote } from '../printable.ts';
import { BYTES_PER_ELEMENT, isStoredDtype } from './dtype.ts';
import { InputFile } from './file.ts';
import { type JsonMap, type JsonValue, readJsonObject } from './json-header.ts';
import { MOST_TENSORS } from './limits.ts';
import { StoredTensor, StoredValues } from './stored-tensor.ts';
import { type Checkpoint, countNumbers, type StoredDtype, type TensorData } from './types.ts';

export const LENGTH_BYTES = 8;
/** Bytes. The format allows 10^8, but no file of weights comes near this. */
export const LARGEST_HEADER = 2 ** 25;
export const METADATA_KEY = '__metadata__';
/** torch's own limit. */
const MOST_DIMENSIONS = 64;
/** Of a tensor's entry: itself, dtype, shape and offsets, and what other writers may add. */
const MOST_VALUES = 4 * MOST_DIMENSIONS;

interface HeaderEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Offset from the end of the header, in bytes. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads all tensors.
 * @throws FileError if the file is missing, cut off or damaged, holds a dtype that cannot be read as float32 here
 *   (complex), names a tensor twice, or has ranges that overlap, leave gaps or do not fit their shapes
 */
export function readSafetensors(path: string): Checkpoint {
  return InputFile.use(path, readSafetensorsFile);
}

/** Reads an open file. @throws FileError as readSafetensors */
export function readSafetensorsFile(file: InputFile): Checkpoint {
  const { entries, metadata, dataStart } = readHeader(file);
  checkRanges(file, entries, file.size - dataStart);
  const tensors = new Map<string, TensorData>();
  const empties = new Map<StoredDtype, StoredValues>();
  for (const { name, dtype, shape, begin, end } of entries) {
    let values = begin === end ? empties.get(dtype) : undefined;
    if (values === undefined) {
      const bytes = file.read(dataStart + begin, end - begin, `tensor ${quote(name)}`);
      values = new StoredValues(file.path, dtype, bytes);
      if (begin === end) empties.set(dtype, values);
    }
    tensors.set(name, new StoredTensor(shape, values));
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
  const entries: HeaderEntry[] = [];
  let metadata: Record<string, string> = {};
  const onEntry = (name: string, value: JsonValue) => {
    if (name === METADATA_KEY) metadata = checkMetadata(file, value);
    else if (entries.length < MOST_TENSORS) entries.push(checkEntry(file, name, value));
    else file.fail(`it holds more than ${MOST_TENSORS} tensors; save it in parts`);
  };
  readJsonObject(
    headerText(file, length),
    onEntry,
    (name) => (name === METADATA_KEY ? MOST_TENSORS : MOST_VALUES),
    (found) => file.fail(`its safetensors header is invalid (${found}); download or save it again`),
  );
  return { entries, metadata, dataStart: LENGTH_BYTES + length };
}

function headerText(file: InputFile, length: number): string {
  const bytes = file.read(LENGTH_BYTES, length, 'the header');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return file.fail('its safetensors header is not UTF-8 text; download or save it again');
  }
}

function checkMetadata(file: InputFile, value: JsonValue): Record<string, string> {
  if (value instanceof Map && [...value.values()].every((text) => typeof text === 'string')) {
    return Object.fromEntries(value) as Record<string, string>;
  }
  return file.fail(`its ${METADATA_KEY} is not a map from strings to strings; save the file again`);
}

function checkEntry(file: InputFile, name: string, value: JsonValue): HeaderEntry {
  const entry: JsonMap = value instanceof Map ? value : new Map();
  const dtype = entry.get('dtype');
  if (!isStoredDtype(dtype)) {
    const known = Object.keys(BYTES_PER_ELEMENT).join(', ');
    file.fail(
      `tensor ${quote(name)} has ${typeof dtype === 'string' ? `dtype ${quote(dtype)}` : 'no dtype'}, expected one ` +
        `of ${known}; save it as one of these`,
    );
  }
  const [shape, offsets] = [entry.get('shape'), entry.get('data_offsets')];
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

/** The format allows neither overlaps nor gaps. */
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
        `${position > dataLength ? 'the file is cut off; download or save it again' : 'save the file again'}`,
    );
  }
}

/** Whether it is a list of whole numbers from 0 on. */
export function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
