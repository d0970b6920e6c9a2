/**
 * TensorBoard's event files: records in TFRecord's framing, each a protobuf message `Event`. Only the few fields that
 * scalars and texts need are written.
 * Sources: tensorflow/core/util/event.proto and framework/{summary,tensor,tensor_shape}.proto; lib/io/record_writer.h.
 */
import crc32c from 'crc-32/crc32c.js';

/** A value of a step. */
export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  /** Markdown. */
  | { readonly tag: string; readonly text: string };

export interface Event {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  /** Of the first event of a file. */
  readonly fileVersion?: string;
  readonly values?: readonly SummaryValue[];
}

/** What the first event of a file holds; readers refuse others. */
export const FILE_VERSION = 'brain.Event:2';

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const DT_STRING = 7;
const DATA_CLASS_TENSOR = 2;

/** The bytes of an event, without framing. Scalars are stored as float32, as TensorBoard's own writers do. */
export function encodeEvent({ wallTime, step, fileVersion, values = [] }: Event): Buffer {
  return Buffer.concat([
    double(1, wallTime),
    ...(step === undefined ? [] : [varint(2, step)]),
    ...(fileVersion === undefined ? [] : [bytes(3, Buffer.from(fileVersion))]),
    ...(values.length === 0 ? [] : [bytes(5, Buffer.concat(values.map((value) => bytes(1, encodeValue(value)))))]),
  ]);
}

/** Summary.Value, as PyTorch's SummaryWriter has it: a float, or a tensor of one text for TensorBoard's plugin. */
function encodeValue(value: SummaryValue): Buffer {
  const tag = bytes(1, Buffer.from(value.tag));
  if ('scalar' in value) return Buffer.concat([tag, float(2, value.scalar)]);
  const one = bytes(2, varint(1, 1));
  const tensor = Buffer.concat([varint(1, DT_STRING), bytes(2, one), bytes(8, Buffer.from(value.text))]);
  const metadata = Buffer.concat([bytes(1, bytes(1, Buffer.from('text'))), varint(4, DATA_CLASS_TENSOR)]);
  return Buffer.concat([tag, bytes(9, metadata), bytes(8, tensor)]);
}

/** An event in TFRecord's framing: its length, that length's check sum, the bytes, their check sum. */
export function frame(event: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(event.length));
  return Buffer.concat([length, maskedCrc(length), event, maskedCrc(event)]);
}

/** The framing around an event's bytes. */
const FRAME_BYTES = { before: 12, after: 4 };

/** An event of a file, as far as it is read back, and the offset behind it. */
export interface ReadEvent {
  readonly step: number;
  readonly tags: readonly string[];
  readonly end: number;
}

/** Reads the events that this program wrote, up to the first that is damaged or cut off. */
export function* readEvents(file: Buffer): Generator<ReadEvent, void, undefined> {
  for (let at = 0; at + FRAME_BYTES.before <= file.length; ) {
    const length = file.subarray(at, at + 8);
    const size = Number(length.readBigUInt64LE());
    const start = at + FRAME_BYTES.before;
    const end = start + size + FRAME_BYTES.after;
    if (end > file.length || !maskedCrc(length).equals(file.subarray(at + 8, start))) return;
    const event = file.subarray(start, start + size);
    if (!maskedCrc(event).equals(file.subarray(start + size, end))) return;
    yield { ...stepAndTags(event), end };
    at = end;
  }
}

function stepAndTags(event: Buffer): Pick<ReadEvent, 'step' | 'tags'> {
  let step = 0;
  const tags: string[] = [];
  for (const { field, number, content } of fields(event)) {
    if (field === 2) step = number;
    if (field !== 5) continue;
    for (const value of fields(content)) {
      for (const part of fields(value.content)) if (part.field === 1) tags.push(part.content.toString());
    }
  }
  return { step, tags };
}

interface Field {
  readonly field: number;
  readonly number: number;
  readonly content: Buffer;
}

/** The fields of a message. Fixed numbers are skipped: nobody asks for them. */
function* fields(message: Buffer): Generator<Field, void, undefined> {
  let at = 0;
  const readVarint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = readVarint();
    const field = key >> 3;
    const wire = key & 7;
    if (wire === FIXED64) at += 8;
    else if (wire === FIXED32) at += 4;
    else if (wire === VARINT) yield { field, number: readVarint(), content: Buffer.alloc(0) };
    else {
      const size = readVarint();
      yield { field, number: 0, content: message.subarray(at, at + size) };
      at += size;
    }
  }
}

/** CRC-32C, rotated and offset: "it is problematic to compute the CRC of a string that contains embedded CRCs". */
function maskedCrc(data: Buffer): Buffer {
  const crc = crc32c.buf(data) >>> 0;
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return masked;
}

function key(field: number, wire: number): Buffer {
  return unsigned((field << 3) | wire);
}

/** A whole number from 0 to 2^53, 7 bits to a byte. */
function unsigned(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Buffer.from([...out, rest]);
}

function varint(field: number, value: number): Buffer {
  return Buffer.concat([key(field, VARINT), unsigned(value)]);
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([key(field, LENGTH), unsigned(content.length), content]);
}

function double(field: number, value: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([key(field, FIXED64), content]);
}

function float(field: number, value: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), content]);
}
