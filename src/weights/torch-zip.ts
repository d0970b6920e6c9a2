/**
 * torch's zip format (since 1.6): `<name>/data.pkl` is the pickle, `<name>/data/<key>` holds the raw values of each
 * storage, and `<name>/byteorder` (since 2.1) says "little" or "big".
 *
 * Source: caffe2/serialize/inline_container.cc and torch/serialization.py.
 */

import { quote } from '../printable.ts';
import type { InputFile } from './file.ts';
import { readPickle } from './pickle.ts';
import { LARGEST_PICKLE, makeStorage, type PthContents, type StorageRef, torchGlobals } from './torch-objects.ts';
import { readZipDirectory, readZipEntry } from './zip.ts';

/** @throws FileError if it is another zip, TorchScript, big-endian, cut off or damaged */
export function readTorchZip(file: InputFile): PthContents {
  const entries = readZipDirectory(file);
  // torch puts all entries into one folder, named after the file as it was first saved.
  const pickleName = [...entries.keys()]
    .filter((name) => name === 'data.pkl' || name.endsWith('/data.pkl'))
    .sort((a, b) => a.length - b.length)[0];
  if (pickleName === undefined) {
    file.fail('this is a zip but not one of torch.save (it has no data.pkl); save the state dict with torch.save');
  }
  const folder = pickleName.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    file.fail(
      'this is a TorchScript program, not a state dict; in Python: ' +
        'torch.save(torch.jit.load("script.pt").state_dict(), "weights.pth")',
    );
  }
  const byteOrder = entries.get(`${folder}byteorder`);
  if (byteOrder !== undefined) {
    const order = Buffer.from(readZipEntry(file, byteOrder)).toString('latin1', 0, 16).trim();
    if (order !== 'little') {
      file.fail(
        `its byte order is ${quote(order)}, expected "little"; load and save it again on a little-endian machine`,
      );
    }
  }
  const pickle = entries.get(pickleName)!;
  if (pickle.size > LARGEST_PICKLE) {
    file.fail(`its data.pkl has ${pickle.size} bytes (expected at most ${LARGEST_PICKLE}); save only the state dict`);
  }
  const { value } = readPickle(readZipEntry(file, pickle), 0, {
    file: file.path,
    fileSize: file.size,
    findGlobal: torchGlobals(file.path),
    persistentLoad: (id) => makeStorage(file.path, id),
  });
  const readBytes = (storage: StorageRef): Uint8Array => {
    const entry = entries.get(`${folder}data/${storage.key}`);
    if (entry === undefined)
      return file.fail(`storage ${quote(storage.key)} is missing; the file is damaged, save it again`);
    return readZipEntry(file, entry);
  };
  return { value, readBytes };
}
