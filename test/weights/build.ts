/** Builds zips, pickles, .pth and safetensors files byte by byte. It knows nothing of the test runner. */

import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipOptions {
  readonly deflate?: boolean;
  /** Puts all sizes and offsets into ZIP64 fields. */
  readonly zip64?: boolean;
  readonly comment?: string;
  /** Changes the central header of every entry before it is written. */
  readonly edit?: (central: Buffer) => void;
}

/** Builds a zip with correct checksums, padded as torch pads: each entry's data start at a multiple of 64. */
export function makeZip(entries: readonly (readonly [string, Uint8Array])[], options: ZipOptions = {}): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of entries) {
    const stored = options.deflate ? deflateRawSync(data) : Buffer.from(data);
    const nameBytes = Buffer.from(name);
    const padding = (64 - ((offset + 34 + nameBytes.length) % 64)) % 64;
    const extra = Buffer.alloc(4 + padding);
    extra.writeUInt16LE(0x4246, 0);
    extra.writeUInt16LE(padding, 2);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(8, 6);
    local.writeUInt16LE(nameBytes.length, 26);
    local.writeUInt16LE(extra.length, 28);

    const wide = Buffer.alloc(options.zip64 ? 28 : 0);
    if (options.zip64) {
      wide.writeUInt16LE(1, 0);
      wide.writeUInt16LE(24, 2);
      wide.writeBigUInt64LE(BigInt(data.length), 4);
      wide.writeBigUInt64LE(BigInt(stored.length), 12);
      wide.writeBigUInt64LE(BigInt(offset), 20);
    }
    const header = Buffer.alloc(46);
    header.writeUInt32LE(0x02014b50, 0);
    header.writeUInt16LE(8, 8);
    header.writeUInt16LE(options.deflate ? 8 : 0, 10);
    header.writeUInt32LE(crc32(data), 16);
    header.writeUInt32LE(options.zip64 ? 0xffffffff : stored.length, 20);
    header.writeUInt32LE(options.zip64 ? 0xffffffff : data.length, 24);
    header.writeUInt16LE(nameBytes.length, 28);
    header.writeUInt16LE(wide.length, 30);
    header.writeUInt32LE(options.zip64 ? 0xffffffff : offset, 42);
    options.edit?.(header);
    central.push(header, nameBytes, wide);
    parts.push(local, nameBytes, extra, stored);
    offset += local.length + nameBytes.length + extra.length + stored.length;
  }
  const directory = Buffer.concat(central);
  const comment = Buffer.from(options.comment ?? '');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  // Twice: on this disk, and in all. torch refuses archives whose two counts differ.
  end.writeUInt16LE(options.zip64 ? 0xffff : entries.length, 8);
  end.writeUInt16LE(options.zip64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : offset, 16);
  end.writeUInt16LE(comment.length, 20);
  const end64 = Buffer.alloc(options.zip64 ? 76 : 0);
  if (options.zip64) {
    end64.writeUInt32LE(0x06064b50, 0);
    end64.writeBigUInt64LE(44n, 4);
    end64.writeBigUInt64LE(BigInt(entries.length), 24);
    end64.writeBigUInt64LE(BigInt(entries.length), 32);
    end64.writeBigUInt64LE(BigInt(directory.length), 40);
    end64.writeBigUInt64LE(BigInt(offset), 48);
    end64.writeUInt32LE(0x07064b50, 56);
    end64.writeBigUInt64LE(BigInt(offset + directory.length), 64);
    end64.writeUInt32LE(1, 72);
  }
  return Buffer.concat([...parts, directory, end64, end, comment]);
}

/** Builds a pickle from text and bytes. Text is written as Latin-1, so opcodes read as in pickletools. */
export function pickle(...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

/** A string as BINUNICODE. */
export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from('X'), length, bytes]);
}

/** An integer as BININT, or as LONG1 of 8 bytes if BININT is too small. */
export function int(value: number): Buffer {
  const wide = Buffer.from('\x8a\x08\0\0\0\0\0\0\0\0', 'latin1');
  wide.writeBigInt64LE(BigInt(value), 2);
  if (Math.abs(value) >= 2 ** 31) return wide;
  const narrow = Buffer.from('J\0\0\0\0', 'latin1');
  narrow.writeInt32LE(value, 1);
  return narrow;
}

export interface TensorPickle {
  readonly key?: string;
  readonly storage?: string;
  /** Of the storage. */
  readonly length: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** The dtype of `_rebuild_tensor_v3`, as in `uint16`; the storage then counts bytes. */
  readonly newDtype?: string;
  /** Opcodes of the metadata argument of newer torch. */
  readonly metadata?: Uint8Array;
}

/** The opcodes of a call of _rebuild_tensor_v2. */
export function tensorPickle(tensor: TensorPickle): Buffer {
  const { newDtype } = tensor;
  const type =
    newDtype === undefined ? `ctorch\n${tensor.storage ?? 'FloatStorage'}\n` : 'ctorch.storage\nUntypedStorage\n';
  const id = [text('storage'), type, text(tensor.key ?? '0'), text('cpu')];
  const reference = pickle('(', ...id, int(tensor.length), 'tQ');
  const shape = pickle('(', ...tensor.shape.map(int), 't');
  const strides = pickle('(', ...tensor.strides.map(int), 't');
  const hooks = 'ccollections\nOrderedDict\n)R';
  const dtype = newDtype === undefined ? '' : `ctorch\n${newDtype}\n`;
  const rest = pickle(int(tensor.offset ?? 0), shape, strides, '\x89', hooks, dtype, tensor.metadata ?? '');
  return pickle(`ctorch._utils\n_rebuild_tensor_v${newDtype === undefined ? 2 : 3}\n(`, reference, rest, 'tR');
}

/** A .pth of the dict {name: tensor}, with its storages by key. */
export function makePth(
  tensors: Readonly<Record<string, TensorPickle>>,
  storages: Readonly<Record<string, Uint8Array>>,
  options: ZipOptions = {},
): Buffer {
  const items = Object.entries(tensors).map(([name, tensor]) => pickle(text(name), tensorPickle(tensor)));
  return zipOf(pickle('\x80\x02}(', ...items, 'u.'), storages, options);
}

/** A zip in torch's layout with any pickle. */
export function zipOf(
  data: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  options: ZipOptions = {},
): Buffer {
  const records = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  return makeZip([['archive/data.pkl', data], ...records, ['archive/version', Buffer.from('3\n')]], options);
}

export function floats(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** A safetensors file with any header and data. */
export function makeSafetensors(
  header: string | object,
  data: Uint8Array = new Uint8Array(0),
  length?: bigint,
): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([start, json, data]);
}
