/**
 * The device memory of a tensor, apart from the tensor itself. It is released when the tensor is disposed, or when
 * JavaScript has collected a tensor that nobody disposed. So nothing here refers to a tensor.
 */
import type { Storage } from './storage.ts';

/**
 * The memory of one entry of a graph: the storages that its backward will read, and its parent entries. It lives as
 * long as the entry's result, or anything computed from that with a gradient.
 */
export class GraphMemory {
  #references = 1;
  #kept: readonly Storage[];
  #parents: readonly GraphMemory[];
  #onEnd: (() => void) | undefined;

  /**
   * @param kept storages; takes a reference to each
   * @param parents the entries whose results this one was computed from; takes a reference to each
   * @param onEnd called once, when the entry can no longer run backward
   */
  constructor(kept: readonly Storage[], parents: readonly GraphMemory[], onEnd: () => void) {
    this.#kept = kept.map((storage) => storage.retain());
    this.#parents = parents.map((parent) => parent.retain());
    this.#onEnd = onEnd;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    letGo([this]);
  }

  /** Frees the saved memory and drops the references to the parents, although the entry's result may live on. */
  useUp(): void {
    letGo(this.#empty());
  }

  #empty(): readonly GraphMemory[] {
    this.#onEnd?.();
    this.#onEnd = undefined;
    for (const storage of this.#kept) storage.release();
    this.#kept = [];
    const parents = this.#parents;
    this.#parents = [];
    return parents;
  }

  /** Drops one reference. If it was the last, returns the parents, to which this entry no longer refers. */
  static dropOne(entry: GraphMemory): readonly GraphMemory[] {
    return --entry.#references > 0 ? [] : entry.#empty();
  }
}

/** Drops a reference to each entry. It loops, because a graph may be deeper than the stack. */
function letGo(entries: readonly GraphMemory[]): void {
  const ending = [...entries];
  for (let entry = ending.pop(); entry; entry = ending.pop()) ending.push(...GraphMemory.dropOne(entry));
}

/** The storage of a tensor, and the graph behind it if it is a result. */
export class Holdings {
  readonly storage: Storage;
  /** The tensor's name in reports: the op that computed it, or how else it was made. */
  label: string;
  /** Owns one reference. */
  graph: GraphMemory | undefined;
  /** Whether its tensor is watched (`unowned.ts`). */
  watched = false;
  /** Whether `keep` was called on its tensor. */
  kept = false;
  #released = false;

  /** Takes ownership of one reference to the storage. */
  constructor(storage: Storage, label: string) {
    this.storage = storage;
    this.label = label;
  }

  get released(): boolean {
    return this.#released;
  }

  /** Releases everything, once. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.storage.release();
    this.graph?.release();
    this.graph = undefined;
  }
}
