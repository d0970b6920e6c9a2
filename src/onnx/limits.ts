/**
 * Limits of what an ONNX file may cost before it is decoded. Two bytes of a file can stand for a message, which takes
 * some hundred bytes of memory, so messages are counted first.
 */

import type { DescMessage } from '@bufbuild/protobuf';
import type { Messages } from './messages.ts';

/** Nodes, attributes, tensors, dimensions and others together. ConvNeXt-Tiny has 9,000. */
export const MOST_MESSAGES = 2 ** 17;
/** Of messages in messages. A model of ONNX's own ops needs seven. */
const DEEPEST = 32;
/** Bytes: protocol buffers count them in 31 bits, and larger models keep their values outside. */
export const LARGEST_FILE = 2 ** 31 - 1;

/**
 * Walks the messages without decoding them.
 * @throws Error with what is wrong: too many messages, too deep, groups, or bytes that are no messages
 */
export function checkCost({ wire }: Messages, schema: DescMessage, bytes: Uint8Array): void {
  const { BinaryReader, WireType } = wire;
  const reader = new BinaryReader(bytes);
  let messages = 0;
  const walk = (desc: DescMessage, end: number, depth: number): void => {
    if (++messages > MOST_MESSAGES) throw new Error(`it holds more than ${MOST_MESSAGES} messages`);
    if (depth > DEEPEST) throw new Error(`its messages nest deeper than ${DEEPEST}`);
    while (reader.pos < end) {
      const [number, wireType] = reader.tag();
      const inner = messageOf(desc, number);
      if (wireType === WireType.StartGroup || wireType === WireType.EndGroup) throw new Error('it holds groups');
      if (!inner || wireType !== WireType.LengthDelimited) {
        if (inner) throw new Error('a message has no length');
        reader.skip(wireType);
      } else {
        const length = reader.uint32();
        if (length > end - reader.pos) throw new Error('a message is longer than what holds it');
        walk(inner, reader.pos + length, depth + 1);
      }
    }
    if (reader.pos !== end) throw new Error('a field is longer than the message that holds it');
  };
  walk(schema, bytes.length, 1);
}

/** The message that a field of this number holds. */
function messageOf(desc: DescMessage, number: number): DescMessage | undefined {
  const field = fieldsOf(desc).get(number);
  return field?.fieldKind === 'message' || field?.fieldKind === 'list' ? field.message : undefined;
}

type Field = DescMessage['fields'][number];
const FIELDS = new WeakMap<DescMessage, ReadonlyMap<number, Field>>();

function fieldsOf(desc: DescMessage): ReadonlyMap<number, Field> {
  let fields = FIELDS.get(desc);
  if (!fields) {
    fields = new Map(desc.fields.map((field) => [field.number, field]));
    FIELDS.set(desc, fields);
  }
  return fields;
}
