/**
 * Decoded pixels kept between epochs in memory that all decoder threads share. The set of cached pictures is fixed when
 * the cache is made. An epoch visits every picture once, so a fixed set is as good as a cache can be. A cache that
 * replaces the least recently used would never hit once it is too small.
 */

/** The slot of one picture. The bytes are valid once `filled[0]` is 1. */
export interface CacheSlot {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly filled: Int32Array<SharedArrayBuffer>;
}

export class PixelCache {
  private slots: (CacheSlot | undefined)[];
  /** Reserved memory, bytes. The system allocates it only as pictures are stored. */
  readonly byteLength: number;

  /**
   * @param sizes bytes of every picture, by index
   * @param budget upper limit in bytes; pictures that do not fit get no slot
   */
  constructor(sizes: readonly number[], budget: number) {
    const offsets: number[] = [];
    let total = 0;
    for (const size of sizes) {
      const fits = total + size <= budget;
      offsets.push(fits ? total : -1);
      if (fits) total += size;
    }
    const bytes = new SharedArrayBuffer(total);
    const filled = new SharedArrayBuffer(sizes.length * 4);
    this.byteLength = total;
    this.slots = sizes.map((size, i) => {
      const offset = offsets[i]!;
      if (offset < 0) return undefined;
      return { bytes: new Uint8Array(bytes, offset, size), filled: new Int32Array(filled, i * 4, 1) };
    });
  }

  /** The same slots for a data set that has only these pictures, in this order. */
  only(indices: readonly number[]): PixelCache {
    const cache = new PixelCache([], 0);
    cache.slots = indices.map((index) => this.slots[index]);
    return cache;
  }

  /** The slot of picture `index`, or undefined if it is not cached. */
  slot(index: number): CacheSlot | undefined {
    return this.slots[index];
  }
}

/** The pixels in the slot, or undefined if it is empty. */
export function readSlot(slot: CacheSlot | undefined): Uint8Array | undefined {
  return slot && Atomics.load(slot.filled, 0) === 1 ? slot.bytes : undefined;
}

/** Fills the slot. Two threads may do this at once because they write the same bytes. */
export function writeSlot(slot: CacheSlot | undefined, pixels: Uint8Array): void {
  if (!slot) return;
  slot.bytes.set(pixels);
  Atomics.store(slot.filled, 0, 1);
}
