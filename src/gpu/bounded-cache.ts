/**
 * A cache that drops entries that were not used lately. It keeps two generations, and a hit moves an entry to the young
 * one. When the young generation is full, or its owner calls `age`, it becomes the old one and the previous old entries
 * are dropped. A hit in the young generation costs one look-up.
 */
export class BoundedCache<Key, Value> {
  readonly #generation: number;
  readonly #onDrop: ((entries: readonly Value[]) => void) | undefined;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  /**
   * @param generation entries per generation: the cache keeps at least as many and at most twice as many
   * @param onDrop receives the dropped entries
   */
  constructor(generation: number, onDrop?: (entries: readonly Value[]) => void) {
    this.#generation = generation;
    this.#onDrop = onDrop;
  }

  /** Current number of entries. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, old);
    return old;
  }

  /** Adds an entry. Its key must be new. */
  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#generation) this.age();
    this.#young.set(key, value);
  }

  /** Drops entries that were not used since the last call, or since the young generation was full. */
  age(): void {
    const dropped = [...this.#old.values()];
    this.#old = this.#young;
    this.#young = new Map();
    if (dropped.length > 0) this.#onDrop?.(dropped);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
