/**
 * The texts in an ONNX file, which ONNX Runtime does not give to a page. The file is a message of protocol buffers: a
 * sequence of fields, each with its number and, for what is of any length, its length
 * (https://protobuf.dev/programming-guides/encoding/).
 */

/** ModelProto.metadata_props, and the two fields of its entries (onnx.proto). */
const METADATA = 14;
const [KEY, VALUE] = [1, 2];

/** @param {Uint8Array} bytes of the file @returns {Map<string, string>} */
export function readMetadata(bytes) {
  const metadata = new Map();
  for (const [number, content] of fieldsOf(bytes)) {
    if (number !== METADATA) continue;
    const entry = new Map(fieldsOf(content));
    metadata.set(textOf(entry.get(KEY)), textOf(entry.get(VALUE)));
  }
  return metadata;
}

const textOf = (bytes) => new TextDecoder().decode(bytes);

/** The fields of any length in a message; numbers are skipped. @throws {Error} if it is no message */
function* fieldsOf(bytes) {
  let at = 0;
  const number = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('This is no ONNX file, or it is cut off.');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const kind = tag % 8;
    if (kind === 0) number();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = number();
      yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
      at += length;
    } else throw new Error('This is no ONNX file.');
  }
}
