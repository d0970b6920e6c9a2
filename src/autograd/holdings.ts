/**
 * What a tensor holds on its device, apart from the tensor itself: it can be given back when the tensor is disposed, and
 * also when JavaScript has collected a tensor that nobody disposed. So nothing here refers to a tensor.
 */
import type { Storage } from './storage.ts';

/**
 * The memory of one entry of a graph: the storages that its backward will read, and the entries that it leads to. It lives
 * as long as the entry's result, or anything computed from that with a gradient.
 */
export class GraphMemory {
  #references = 1;
  #kept: readonly Storage[];
  #parents: readonly GraphMemory[];
  #onEnd: (() => void) | undefined;

  /**
   * @param kept a reference to each is taken
   * @param parents the entries whose results this one was computed from; a reference to each is taken
   * @param onEnd called once, when the entry can run backward no more
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

  /** Frees what backward read and lets go of the entries that this one leads to, although its result may live on. */
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

  /** A reference less; returns what nobody refers to through this entry any more. */
  static dropOne(entry: GraphMemory): readonly GraphMemory[] {
    return --entry.#references > 0 ? [] : entry.#empty();
  }
}

/** Drops a reference to each. A loop, as a graph may be deeper than the stack. */
function letGo(entries: readonly GraphMemory[]): void {
  const ending = [...entries];
  for (let entry = ending.pop(); entry; entry = ending.pop()) ending.push(...GraphMemory.dropOne(entry));
}

/** The storage of a tensor, and the graph behind it where it is the result of one. */
export class Holdings {
  readonly storage: Storage;
  /** Reports call the tensor by it: the op that it is a result of, or how else it came about. */
  label: string;
  /** Takes over one reference. */
  graph: GraphMemory | undefined;
  /** Whether its tensor is watched (`unowned.ts`). */
  watched = false;
  #released = false;

  /** Takes over one reference to the storage. */
  constructor(storage: Storage, label: string) {
    this.storage = storage;
    this.label = label;
  }

  get released(): boolean {
    return this.#released;
  }

  /** Gives everything back, once. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.storage.release();
    this.graph?.release();
    this.graph = undefined;
  }
}
