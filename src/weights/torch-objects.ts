/**
 * The allow-list of names in a torch checkpoint's pickle, and the objects they build. A storage is a run of values kept
 * outside the pickle; a tensor is a strided view of one. The container (zip or stream) reads the values, and only those
 * of requested tensors.
 *
 * Source: torch/_utils.py and torch/serialization.py of PyTorch 1.13.
 */

import { FileError } from '../errors.ts';
import { quote } from '../printable.ts';
import { BYTES_PER_ELEMENT } from './dtype.ts';
import {
  describeValue,
  PickleDict,
  PickleGlobal,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from './pickle-values.ts';
import { countNumbers, type StoredDtype } from './types.ts';

/** Maps Python's class name of a storage to its dtype. */
export const STORAGE_DTYPES: Readonly<Record<string, StoredDtype>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/**
 * Storages of bytes, which torch writes since 2.1 for dtypes that have no class of their own. Then each tensor names its
 * dtype.
 */
const UNTYPED_STORAGE = 'torch.storage.UntypedStorage';
const NEW_DTYPES: Readonly<Record<string, StoredDtype>> = {
  'torch.uint16': 'U16',
  'torch.uint32': 'U32',
  'torch.uint64': 'U64',
  'torch.float8_e4m3fn': 'F8_E4M3',
  'torch.float8_e5m2': 'F8_E5M2',
};

/** torch's own limit on dimensions. */
const MOST_DIMENSIONS = 64;

export class StorageRef extends PickleObject {
  readonly kind = 'a storage';
  /** Identifies the values: a zip entry, or a place in the stream. */
  readonly key: string;
  readonly dtype: StoredDtype;
  /** Number of elements stored under that key. */
  readonly fullLength: number;
  /** First element of this storage. It is 0 except for the views in old streams. */
  readonly offset: number;
  readonly length: number;

  constructor(key: string, dtype: StoredDtype, fullLength: number, offset = 0, length = fullLength) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.fullLength = fullLength;
    this.offset = offset;
    this.length = length;
  }
}

export class TensorRef extends PickleObject {
  readonly kind = 'a tensor';
  readonly storage: StorageRef;
  /** Position of the first element in its storage, in elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Step along each dimension, in elements; 0 if a value is repeated. */
  readonly strides: readonly number[];

  constructor(storage: StorageRef, offset: number, shape: readonly number[], strides: readonly number[]) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** In bytes. A ResNet's pickle takes 10 kB, those of the largest models a few MB. */
export const LARGEST_PICKLE = 2 ** 24;

/** The contents of a container: the unpickled object, and access to the bytes of its storages. */
export interface PthContents {
  readonly value: PickleValue;
  readBytes(storage: StorageRef): Uint8Array;
}

/** @returns the allow-list of one pickle: full Python name to global, or undefined if it is not allowed */
export function torchGlobals(file: string): (name: string) => PickleGlobal | undefined {
  // A list makes only one dict. Otherwise a short pickle could copy one long list over and over.
  const usedLists = new WeakSet<object>();
  return (name) => {
    switch (name) {
      case 'collections.OrderedDict':
        return new PickleGlobal(name, (args) => makeOrderedDict(file, args, usedLists));
      case 'torch._utils._rebuild_tensor_v2':
      case 'torch._utils._rebuild_tensor':
        return new PickleGlobal(name, (args) => makeTensor(file, args));
      case 'torch._utils._rebuild_tensor_v3':
        return new PickleGlobal(name, (args) => makeUntypedTensor(file, args));
      case 'torch._utils._rebuild_parameter':
        return new PickleGlobal(name, (args) => unwrapParameter(file, args));
      case 'torch.Size':
        return new PickleGlobal(name, (args) => makeSize(file, args));
    }
    if (name === UNTYPED_STORAGE || Object.hasOwn(NEW_DTYPES, name)) return new PickleGlobal(name);
    // torch.FloatStorage, torch.cuda.FloatStorage and so on: named in persistent ids, never called.
    const storage = /^torch\.(?:cuda\.)?(\w+Storage)$/.exec(name)?.[1];
    return storage !== undefined && Object.hasOwn(STORAGE_DTYPES, storage) ? new PickleGlobal(name) : undefined;
  };
}

/**
 * Reads a persistent id: ('storage', class, key, device, length); old streams add (view key, offset, length).
 * @throws FileError for anything else
 */
export function makeStorage(file: string, id: PickleValue): StorageRef {
  const parts = id instanceof PickleTuple ? id.items : [];
  const [tag, type, key, , length, view] = parts;
  const dtype = type instanceof PickleGlobal ? storageDtype(type.name) : undefined;
  if (tag !== 'storage' || dtype === undefined || typeof key !== 'string' || !isCount(length)) {
    throw new FileError(
      `${file}: a storage reference is not ('storage', type, key, device, length) as torch writes it; save the file again`,
    );
  }
  if (view === undefined || view === null) return new StorageRef(key, dtype, length);
  const [, viewOffset, viewLength] = view instanceof PickleTuple ? view.items : [];
  if (!isCount(viewOffset) || !isCount(viewLength) || viewOffset + viewLength > length) {
    throw new FileError(
      `${file}: a view of storage ${quote(key)} lies outside it (it has ${length} values); save it again`,
    );
  }
  return new StorageRef(key, dtype, length, viewOffset, viewLength);
}

function storageDtype(name: string): StoredDtype | undefined {
  return name === UNTYPED_STORAGE ? 'U8' : STORAGE_DTYPES[name.split('.').at(-1)!];
}

/** As v2, with the dtype before the metadata. The storage counts bytes. */
function makeUntypedTensor(file: string, args: readonly PickleValue[]): TensorRef {
  const [storage, offset, shape, strides, grad, hooks, type, metadata = null] = args;
  const dtype = type instanceof PickleGlobal ? NEW_DTYPES[type.name] : undefined;
  if (!(storage instanceof StorageRef) || storage.dtype !== 'U8' || dtype === undefined) {
    throw new FileError(`${file}: a tensor of a newer dtype is not a storage of bytes and a dtype; save it again`);
  }
  const length = storage.fullLength / BYTES_PER_ELEMENT[dtype];
  if (!Number.isInteger(length) || storage.offset !== 0) {
    throw new FileError(
      `${file}: a storage of ${storage.fullLength} bytes holds no whole values of ${dtype}; save it again`,
    );
  }
  const typed = new StorageRef(storage.key, dtype, length);
  return makeTensor(file, [typed, offset!, shape!, strides!, grad!, hooks!, metadata]);
}

/** (storage, offset, shape, strides); v2 adds (requires_grad, backward_hooks, metadata). */
function makeTensor(file: string, args: readonly PickleValue[]): TensorRef {
  const [storage, offset, shapeValue, stridesValue, , , metadata] = args;
  const shape = countsOf(shapeValue);
  const strides = countsOf(stridesValue);
  if (!(storage instanceof StorageRef) || !isCount(offset) || shape === undefined || strides?.length !== shape.length) {
    throw new FileError(`${file}: a tensor is not (storage, offset, shape, strides) as torch writes it; save it again`);
  }
  // Metadata says that the values represent their conjugates or negatives; ignoring it would change them.
  if (metadata instanceof PickleDict ? metadata.entries.size > 0 : metadata !== undefined && metadata !== null) {
    throw new FileError(`${file}: a tensor has a lazy conjugate or negative bit; save tensor.resolve_neg() instead`);
  }
  // The last element is the farthest because no stride is negative.
  const empty = shape.includes(0);
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i]!, offset);
  if (!(empty || last < storage.length) || !Number.isSafeInteger(countNumbers(shape))) {
    throw new FileError(
      `${file}: a tensor of shape [${shape.join(', ')}], strides [${strides.join(', ')}] and offset ${offset} reaches ` +
        `outside its storage of ${storage.length} values; the file is damaged, save it again`,
    );
  }
  return new TensorRef(storage, offset, shape, strides);
}

/** (data, requires_grad, backward_hooks): only the tensor matters here. */
function unwrapParameter(file: string, [data]: readonly PickleValue[]): TensorRef {
  if (data instanceof TensorRef) return data;
  throw new FileError(`${file}: a Parameter holds ${describeValue(data)}, expected a tensor; save it again`);
}

/** Python 3 fills an OrderedDict by SETITEMS; Python 2 passes a list of [key, value] pairs. */
function makeOrderedDict(file: string, args: readonly PickleValue[], usedLists: WeakSet<object>): PickleDict {
  const dict = new PickleDict(true);
  const pairs = args[0] ?? [];
  if (args.length > 1 || !Array.isArray(pairs) || usedLists.has(pairs)) throw badDict(file);
  usedLists.add(pairs);
  for (const pair of pairs) {
    const items = pair instanceof PickleTuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2) throw badDict(file);
    dict.entries.set(items[0], items[1]);
  }
  return dict;
}

function badDict(file: string): FileError {
  return new FileError(`${file}: an OrderedDict is not made from a list of pairs; the file is damaged, save it again`);
}

function makeSize(file: string, [sizes]: readonly PickleValue[]): PickleTuple {
  if (sizes instanceof PickleTuple) return sizes;
  throw new FileError(`${file}: a torch.Size is not made from a tuple; the file is damaged, save it again`);
}

/** @returns a tuple or list of at most 64 integers ≥ 0 as an array; undefined for anything else */
function countsOf(value: PickleValue | undefined): readonly number[] | undefined {
  const items = value instanceof PickleTuple ? value.items : value;
  return Array.isArray(items) && items.length <= MOST_DIMENSIONS && items.every(isCount) ? items : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
