/**
 * Makes tensors from storages. It reads each storage once. A dense tensor becomes a view; any other is gathered along
 * its strides. Both keep the stored bytes; float32 values are made when someone asks, once per storage.
 */

import { quote } from '../printable.ts';
import { BYTES_PER_ELEMENT } from './dtype.ts';
import type { InputFile } from './file.ts';
import { gather } from './gather.ts';
import { Budget, LIMIT_TEXT } from './limits.ts';
import { StoredTensor, StoredValues } from './stored-tensor.ts';
import type { StorageRef, TensorRef } from './torch-objects.ts';
import { countNumbers, type StoredDtype, type TensorData } from './types.ts';

export class StorageReader {
  readonly #file: InputFile;
  readonly #readBytes: (storage: StorageRef) => Uint8Array;
  readonly #storages = new Map<string, StoredValues>();
  readonly #empties = new Map<StoredDtype, StoredValues>();
  readonly #dtypes = new Map<string, StoredDtype>();
  /** For storages and gathered tensors. Dense tensors need no memory beyond their storage. */
  readonly #budget: Budget;

  /** @param readBytes reads all bytes under a storage's key from the container */
  constructor(file: InputFile, readBytes: (storage: StorageRef) => Uint8Array) {
    this.#file = file;
    this.#readBytes = readBytes;
    this.#budget = new Budget(file.size);
  }

  /**
   * Reads one tensor.
   * @param name for messages
   * @throws FileError if the storage is missing, its length differs from the one in the pickle, or the tensor repeats
   *   values beyond what the file's size explains
   */
  readTensor(name: string, ref: TensorRef): TensorData {
    const { shape, strides, storage } = ref;
    const { dtype } = storage;
    const count = countNumbers(shape);
    this.#checkDtype(storage);
    // An empty tensor needs no storage: torch writes one of no values.
    if (count === 0) return new StoredTensor(shape, this.#empty(dtype));
    const start = storage.offset + ref.offset;
    if (isDense(shape, strides)) return new StoredTensor(shape, this.#storage(storage), start);
    const size = BYTES_PER_ELEMENT[dtype];
    if (!this.#budget.take(count * size)) {
      this.#file.fail(
        `tensor ${quote(name)} of shape [${shape.join(', ')}] repeats values of its storage beyond ${LIMIT_TEXT}, so it ` +
          'is refused; save tensor.clone() instead',
      );
    }
    const bytes = gather(this.#storage(storage).bytes, size, start, shape, strides);
    return new StoredTensor(shape, new StoredValues(this.#file.path, dtype, bytes));
  }

  /** PyTorch gives every tensor of a storage the first one's dtype, also one without values. */
  #checkDtype({ key, dtype }: StorageRef): void {
    const first = this.#dtypes.get(key) ?? dtype;
    this.#dtypes.set(key, first);
    if (first === dtype) return;
    this.#file.fail(
      `storage ${quote(key)} is read as ${first} and as ${dtype}, which torch never writes, so it is refused; ` +
        'save clones of such views',
    );
  }

  #storage(ref: StorageRef): StoredValues {
    const { key, dtype, fullLength } = ref;
    const storage = this.#storages.get(key) ?? this.#read(ref);
    // Each reference: one with a larger length would let its tensors reach past the end.
    const expected = fullLength * BYTES_PER_ELEMENT[dtype];
    const { length } = storage.bytes;
    if (length !== expected) {
      this.#file.fail(
        `storage ${quote(key)} has ${length} bytes, but ${fullLength} values of ${dtype} take ${expected}: the file is ` +
          'damaged, save it again',
      );
    }
    return storage;
  }

  #empty(dtype: StoredDtype): StoredValues {
    const values = this.#empties.get(dtype) ?? new StoredValues(this.#file.path, dtype, new Uint8Array(0));
    this.#empties.set(dtype, values);
    return values;
  }

  #read(ref: StorageRef): StoredValues {
    const storage = new StoredValues(this.#file.path, ref.dtype, this.#readBytes(ref));
    // Containers refuse storages beyond the limit themselves; what they take is not there for copies.
    this.#budget.take(storage.bytes.length);
    this.#storages.set(ref.key, storage);
    return storage;
  }
}

/** Row-major without gaps. The stride of a dimension of size 1 is never used, and torch writes any value there. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false;
    expected *= shape[i]!;
  }
  return true;
}
