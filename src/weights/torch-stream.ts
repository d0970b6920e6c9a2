/**
 * torch's stream format (before 1.6, or with `_use_new_zipfile_serialization=False`): five pickles one after the other
 * (magic number, protocol, system info, the object, the storages' keys), then each storage as an int64 count of
 * elements and the elements themselves.
 *
 * Source: _legacy_save and _legacy_load in torch/serialization.py.
 */

import { quote } from '../printable.ts';
import { BYTES_PER_ELEMENT } from './dtype.ts';
import type { InputFile } from './file.ts';
import { type PickleHost, readPickle } from './pickle.ts';
import { describeValue, PickleDict, type PickleValue } from './pickle-values.ts';
import { LARGEST_PICKLE, makeStorage, type PthContents, type StorageRef, torchGlobals } from './torch-objects.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** @throws FileError if it is another pickle, comes from a big-endian machine, or is cut off or damaged */
export function readTorchStream(file: InputFile): PthContents {
  const head = file.read(0, Math.min(file.size, LARGEST_PICKLE), 'the pickles');
  const storages = new Map<string, StorageRef>();
  const host: PickleHost = {
    file: file.path,
    fileSize: file.size,
    findGlobal: torchGlobals(file.path),
    persistentLoad: (id) => {
      const storage = makeStorage(file.path, id);
      storages.set(storage.key, storage);
      return storage;
    },
  };
  let position = 0;
  const next = (): PickleValue => {
    const { value, end } = readPickle(head, position, host);
    position = end;
    return value;
  };

  if (next() !== MAGIC) {
    file.fail('this is a Python pickle but not one of torch.save; save the state dict with torch.save');
  }
  const protocol = next();
  if (protocol !== PROTOCOL)
    file.fail(
      `torch stream protocol ${typeof protocol === 'number' ? protocol : describeValue(protocol)} is unknown ` +
        `(expected ${PROTOCOL}); save the state dict with torch.save`,
    );
  const system = next();
  if (!(system instanceof PickleDict) || system.entries.get('little_endian') !== true) {
    file.fail('written on a big-endian machine, expected little-endian; load and save it again on a little-endian one');
  }
  const value = next();
  const places = locateStorages(file, next(), position, storages);

  const readBytes = (storage: StorageRef): Uint8Array => {
    const place = places.get(storage.key);
    if (place === undefined)
      return file.fail(`storage ${quote(storage.key)} is missing; the file is damaged, save it again`);
    return file.read(place.offset, place.length, `storage ${quote(storage.key)}`);
  };
  return { value, readBytes };
}

/** Walks over the storages: only their counts say where the next one starts. */
function locateStorages(
  file: InputFile,
  keys: PickleValue,
  start: number,
  storages: ReadonlyMap<string, StorageRef>,
): Map<string, { offset: number; length: number }> {
  if (!Array.isArray(keys)) file.fail('its list of storages is missing; the file is damaged, save it again');
  const places = new Map<string, { offset: number; length: number }>();
  let position = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) file.fail('it lists a storage that no tensor uses; the file is damaged, save it again');
    if (places.has(storage.key))
      file.fail(`it lists storage ${quote(storage.key)} twice; the file is damaged, save it again`);
    const counter = file.read(position, 8, `the length of storage ${quote(storage.key)}`);
    const count = Number(new DataView(counter.buffer).getBigInt64(0, true));
    if (count !== storage.fullLength) {
      file.fail(
        `storage ${quote(storage.key)} has ${count} values, but its tensors expect ${storage.fullLength}; save it ` +
          'again',
      );
    }
    const length = count * BYTES_PER_ELEMENT[storage.dtype];
    places.set(storage.key, { offset: position + 8, length });
    position += 8 + length;
  }
  return places;
}
