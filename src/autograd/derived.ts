/** The cache of data that kernels derive from a tensor, such as packed weights. */
import type { Pooled } from '../gpu/pool.ts';
import type { DerivedData } from '../kernels/conv2d/shape.ts';
import type { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

interface Derived {
  readonly memory: Pooled;
  /** The version of the storage that it was derived from. */
  version: number;
}

const caches = new WeakMap<Storage, Map<string, Derived>>();

/** The tensor's cache. The data is derived again only when the tensor has changed, and freed with its storage. */
export function derivedFrom({ storage }: Tensor): DerivedData {
  return {
    derive: <Memory extends Pooled>(key: string, acquire: () => Memory, write: (target: Memory) => void) => {
      const cache = caches.get(storage) ?? startCache(storage);
      let derived = cache.get(key);
      if (!derived) {
        derived = { memory: acquire(), version: -1 };
        cache.set(key, derived);
      }
      // Every user of this key acquires the same kind of memory.
      const memory = derived.memory as Memory;
      if (derived.version !== storage.version) {
        write(memory);
        derived.version = storage.version;
      }
      return memory;
    },
  };
}

function startCache(storage: Storage): Map<string, Derived> {
  const cache = new Map<string, Derived>();
  caches.set(storage, cache);
  storage.onFree(() => {
    for (const { memory } of cache.values()) storage.gpu.pool.release(memory);
  });
  return cache;
}
