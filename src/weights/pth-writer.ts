/**
 * Writes a state dict as torch.save does, in the zip that PyTorch reads since 1.6; `torch.load` takes it with
 * `weights_only=True`, as it holds tensors in an OrderedDict and nothing else.
 *
 * Source: torch/serialization.py of PyTorch 1.13.
 */

import { FileError } from '../errors.ts';
import { quote } from '../printable.ts';
import { writeFileAtomic } from './atomic.ts';
import { type Outgoing, outgoing } from './outgoing.ts';
import { pickleStateDict } from './pickle-writer.ts';
import { STORAGE_DTYPES } from './torch-objects.ts';
import type { Checkpoint, StoredDtype } from './types.ts';
import { encodeZip, type ZipContent } from './zip-writer.ts';

const FOLDER = 'archive';
/** Of the format, as torch writes it. */
const VERSION = '3\n';

const STORAGES = new Map(Object.entries(STORAGE_DTYPES).map(([storage, dtype]) => [dtype, storage]));

/**
 * Writes the tensors as a .pth file, whole or not at all, in the order of the map. A tensor that was read keeps its
 * dtype and its bits; one made in memory is F32, or I64 if its `dtype` says so. The format has no place for metadata.
 * @returns bytes written
 * @throws FileError if a tensor's data does not fit its shape, PyTorch before 2.1 lacks its dtype, the file would take
 *   more than 4 GiB, or it cannot be written
 */
export function writePth(path: string, { tensors }: Pick<Checkpoint, 'tensors'>): number {
  const entries = [...tensors].map(([name, tensor], key) => ({ ...outgoing(path, name, tensor), key: String(key) }));
  const pickle = pickleStateDict(
    entries.map(({ name, dtype, shape, key }) => ({ name, shape, key, storage: storageOf(path, name, dtype) })),
  );
  const contents: ZipContent[] = [
    fixed('data.pkl', pickle),
    fixed('byteorder', Buffer.from('little')),
    ...entries.map(({ key, size, bytes }: Outgoing & { key: string }) => ({
      ...{ name: `${FOLDER}/data/${key}`, size, bytes },
    })),
    fixed('version', Buffer.from(VERSION)),
  ];
  return writeFileAtomic(path, encodeZip(path, contents));
}

const fixed = (name: string, bytes: Uint8Array): ZipContent => ({
  name: `${FOLDER}/${name}`,
  size: bytes.length,
  bytes: () => bytes,
});

function storageOf(path: string, name: string, dtype: StoredDtype): string {
  const storage = STORAGES.get(dtype);
  if (storage !== undefined) return storage;
  throw new FileError(`${path}: not written: tensor ${quote(name)} has dtype ${dtype}, for which torch has no storage`);
}
