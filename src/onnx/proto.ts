/**
 * Reads and writes ONNX files. The messages are onnx-buf's; everything else here sees the plain objects of `types.ts`.
 * A file may come from a stranger: what it costs is checked before it is decoded, and it can name no other file.
 */

import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { FileError } from '../errors.ts';
import { Decoder } from './decode.ts';
import { Encoder } from './encode.ts';
import { checkCost, LARGEST_FILE } from './limits.ts';
import { loadMessages, type Messages } from './messages.ts';
import type { OnnxModel, OnnxTensor } from './types.ts';

export { ElementTypeError } from './decode.ts';
export type * from './types.ts';
export { countElements } from './types.ts';

/**
 * @param file its name in errors
 * @throws FileError if it is damaged, no model, costs too much, keeps values in another file or in sparse tensors
 * @throws ElementTypeError for tensors of strings, complex numbers and types below 8 bits
 * @throws MissingPackageError if onnx-buf is not installed
 */
export async function decodeOnnx(bytes: Uint8Array, file: string): Promise<OnnxModel> {
  const messages = await loadMessages('Reading ONNX files');
  return new Decoder(file, messages).model(parse(messages, messages.onnx.ModelProtoSchema, bytes, file));
}

/** One tensor as a file of its own, as in the data of ONNX's tests. @throws as decodeOnnx */
export async function decodeOnnxTensor(bytes: Uint8Array, file: string): Promise<OnnxTensor> {
  const messages = await loadMessages('Reading ONNX files');
  return new Decoder(file, messages).tensor(
    parse(messages, messages.onnx.TensorProtoSchema, bytes, file),
    'its tensor',
  );
}

/**
 * The bytes of a file. The same model gives the same bytes.
 * @throws MissingPackageError if onnx-buf is not installed
 */
export async function encodeOnnx(model: OnnxModel): Promise<Uint8Array<ArrayBuffer>> {
  const messages = await loadMessages('Writing ONNX files');
  const { create, toBinary } = messages.protobuf;
  const { ModelProtoSchema } = messages.onnx;
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, new Encoder(messages).model(model)));
}

function parse<S extends DescMessage>(messages: Messages, schema: S, bytes: Uint8Array, file: string): MessageShape<S> {
  if (bytes.length > LARGEST_FILE) {
    throw new FileError(`${file}: ${bytes.length} bytes, but an ONNX file has at most ${LARGEST_FILE}; it is damaged`);
  }
  try {
    checkCost(messages, schema, bytes);
    return messages.protobuf.fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    const reason = (error as Error).message;
    throw new FileError(`${file}: no ONNX file, or a damaged one (${reason}); export or download it again`, {
      cause: error,
    });
  }
}
