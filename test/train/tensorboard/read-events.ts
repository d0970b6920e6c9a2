/**
 * An independent reader of TensorBoard's event files: @bufbuild/protobuf with TensorFlow's own field numbers, and a
 * CRC-32C that is computed bit by bit.
 */
import { createFileRegistry, fromBinary, fromJson, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const field = (name: string, number: number, type: string, more: object = {}) => ({
  ...{ name, number, type: `TYPE_${type}`, label: 'LABEL_OPTIONAL' },
  jsonName: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
  ...more,
});
const message = (name: string, number: number, type: string, more: object = {}) =>
  field(name, number, 'MESSAGE', { typeName: `.t.${type}`, ...more });
const REPEATED = { label: 'LABEL_REPEATED' };

/** From tensorflow/core/util/event.proto and tensorflow/core/framework/*.proto. */
const DESCRIPTORS = fromJson(FileDescriptorSetSchema, {
  file: [
    {
      name: 'event.proto',
      package: 't',
      syntax: 'proto3',
      messageType: [
        {
          name: 'Event',
          field: [
            field('wall_time', 1, 'DOUBLE'),
            field('step', 2, 'INT64'),
            field('file_version', 3, 'STRING'),
            message('summary', 5, 'Summary'),
          ],
        },
        { name: 'Summary', field: [message('value', 1, 'Value', REPEATED)] },
        {
          name: 'Value',
          field: [
            field('tag', 1, 'STRING'),
            field('simple_value', 2, 'FLOAT', { oneofIndex: 0 }),
            message('tensor', 8, 'Tensor', { oneofIndex: 0 }),
            message('metadata', 9, 'Metadata'),
          ],
          oneofDecl: [{ name: 'value' }],
        },
        { name: 'Metadata', field: [message('plugin_data', 1, 'Plugin'), field('data_class', 4, 'INT32')] },
        { name: 'Plugin', field: [field('plugin_name', 1, 'STRING')] },
        {
          name: 'Tensor',
          field: [
            field('dtype', 1, 'INT32'),
            message('tensor_shape', 2, 'Shape'),
            field('string_val', 8, 'BYTES', REPEATED),
          ],
        },
        { name: 'Shape', field: [message('dim', 2, 'Dim', REPEATED)] },
        { name: 'Dim', field: [field('size', 1, 'INT64')] },
      ],
    },
  ],
});
const EVENT = createFileRegistry(DESCRIPTORS).getMessage('t.Event')!;

export interface ReadValue {
  readonly tag: string;
  readonly simpleValue?: number;
  readonly tensor: { dtype: number; tensorShape: { dim?: { size: string }[] }; stringVal?: string[] };
  readonly metadata: { pluginData: { pluginName: string }; dataClass: number };
}

export interface ReadEvent {
  readonly wallTime: number;
  readonly step?: string;
  readonly fileVersion?: string;
  readonly summary?: { value: ReadValue[] };
}

/** All events of a file. @throws Error if a length, a check sum or a field is wrong */
export function readEventFile(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const size = Number(file.readBigUInt64LE(at));
    check(file.subarray(at, at + 8), file.readUInt32LE(at + 8));
    const content = file.subarray(at + 12, at + 12 + size);
    check(content, file.readUInt32LE(at + 12 + size));
    const read = fromBinary(EVENT, content, { readUnknownFields: true });
    if ('$unknown' in read && read.$unknown) throw new Error('An event has unknown fields.');
    events.push(toJson(EVENT, read) as unknown as ReadEvent);
    at += 12 + size + 4;
  }
  return events;
}

function check(data: Buffer, masked: number): void {
  const rotated = (masked - 0xa282ead8) >>> 0;
  const expected = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  if ((crc ^ 0xffffffff) >>> 0 !== expected) throw new Error('A check sum is wrong.');
}

/** `tag step value` of every scalar, in order. */
export function scalars(events: readonly ReadEvent[]): [tag: string, step: number, value: number][] {
  return events.flatMap(({ step = '0', summary }) =>
    (summary?.value ?? [])
      .filter(({ simpleValue }) => simpleValue !== undefined)
      .map(({ tag, simpleValue }) => [tag, Number(step), simpleValue!] as [string, number, number]),
  );
}
