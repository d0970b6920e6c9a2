/**
 * Writes a state dict as a pickle, protocol 2, in the opcodes that torch's own unpickler for weights knows: an
 * OrderedDict of tensors, whose values lie in storages outside of it.
 *
 * Source: Python's pickletools.py; torch/_utils.py and torch/_weights_only_unpickler.py of PyTorch 1.13.
 */

import { countNumbers } from './types.ts';

/** A tensor of a state dict. Its storage holds these values alone, row-major. */
export interface PickledTensor {
  readonly name: string;
  /** Python's class of its storage, in module torch: 'FloatStorage'. */
  readonly storage: string;
  /** Names the storage's values in the container. */
  readonly key: string;
  readonly shape: readonly number[];
}

const PROTOCOL = Uint8Array.of(0x80, 2);
const [MARK, STOP, EMPTY_TUPLE, TUPLE, REDUCE, BINPERSID, SETITEMS, NEWFALSE] = [
  ...['(', '.', ')', 't', 'R', 'Q', 'u'].map((code) => Uint8Array.of(code.charCodeAt(0))),
  Uint8Array.of(0x89),
] as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** The pickle of an OrderedDict of these tensors, in their order. */
export function pickleStateDict(tensors: readonly PickledTensor[]): Uint8Array {
  const parts = [PROTOCOL, ...orderedDict(), MARK, ...tensors.flatMap(entryOf), SETITEMS, STOP];
  return new Uint8Array(Buffer.concat(parts));
}

const orderedDict = () => [global('collections', 'OrderedDict'), EMPTY_TUPLE, REDUCE];

/** A name and `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks)`. */
function entryOf({ name, storage, key, shape }: PickledTensor): Uint8Array[] {
  const length = countNumbers(shape);
  const persistentId = [
    ...[MARK, text('storage'), global('torch', storage), text(key), text('cpu'), integer(length), TUPLE],
    BINPERSID,
  ];
  const values = [...persistentId, integer(0), ...tupleOf(shape), ...tupleOf(stridesOf(shape)), NEWFALSE];
  const rebuilt = [global('torch._utils', '_rebuild_tensor_v2'), MARK, ...values, ...orderedDict(), TUPLE, REDUCE];
  return [text(name), ...rebuilt];
}

/** Of a row-major tensor, in elements. */
function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => countNumbers(shape.slice(axis + 1)));
}

const tupleOf = (numbers: readonly number[]): Uint8Array[] => [MARK, ...numbers.map(integer), TUPLE];

const global = (module: string, name: string): Uint8Array => Buffer.from(`c${module}\n${name}\n`);

/** BINUNICODE: its length in bytes, then UTF-8. */
function text(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(5);
  head.write('X', 'latin1');
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** BININT has 32 bits with a sign, LONG1 as many bytes as it says. */
function integer(value: number): Uint8Array {
  if (value < 2 ** 31) {
    const bytes = Buffer.alloc(5);
    bytes.write('J', 'latin1');
    bytes.writeInt32LE(value, 1);
    return bytes;
  }
  const bytes = Buffer.alloc(10);
  bytes.writeUInt8(0x8a, 0);
  bytes.writeUInt8(8, 1);
  bytes.writeBigInt64LE(BigInt(value), 2);
  return bytes;
}
