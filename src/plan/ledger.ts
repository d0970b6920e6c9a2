/** Bookkeeping over a buffer pool: how much is held at most, and what for. */
import type { BufferPool, Pooled } from '../gpu/pool.ts';

/** One buffer or texture from being handed out to being given back. */
interface Allocation<Category> {
  readonly bytes: number;
  /** Often known only later, when it is seen what has become of the buffer. */
  category: Category;
}

/** Watches a pool from its making on. Every buffer is first put down to `rest`. */
export class Ledger<Category extends string> {
  readonly #open = new Map<number, Allocation<Category>>();
  readonly #history: { readonly allocation: Allocation<Category>; readonly sign: 1 | -1 }[] = [];
  #fresh = new Set<Allocation<Category>>();

  constructor(pool: BufferPool, rest: Category) {
    const acquire = pool.acquire.bind(pool);
    const acquireTexture = pool.acquireTexture.bind(pool);
    const release = pool.release.bind(pool);
    const watched = <Memory extends Pooled>(take: () => Memory) => {
      const before = pool.liveBytes;
      const pooled = take();
      const allocation = { bytes: pool.liveBytes - before, category: rest };
      this.#open.set(pooled.id, allocation);
      this.#fresh.add(allocation);
      this.#history.push({ allocation, sign: 1 });
      return pooled;
    };
    pool.acquire = (bytes) => watched(() => acquire(bytes));
    pool.acquireTexture = (width, height) => watched(() => acquireTexture(width, height));
    pool.release = (pooled) => {
      const allocation = this.#open.get(pooled.id)!;
      this.#open.delete(pooled.id);
      this.#fresh.delete(allocation);
      this.#history.push({ allocation, sign: -1 });
      release(pooled);
    };
  }

  /** Puts a buffer that is in use down to `category`. */
  put(bufferId: number, category: Category): void {
    this.#open.get(bufferId)!.category = category;
  }

  /** Puts everything that was handed out since the last call, and is still in use, down to `category`. */
  putFresh(category: Category): void {
    for (const allocation of this.#fresh) allocation.category = category;
    this.#fresh = new Set();
  }

  /** Corrects what was put down to `from` and is still in use. */
  moveOpen(from: Category, to: Category): void {
    for (const allocation of this.#open.values()) if (allocation.category === from) allocation.category = to;
  }

  /** The most that each category held at any one moment, and the most that all of them held together; bytes. */
  highest(): { readonly each: ReadonlyMap<Category, number>; readonly together: number } {
    const now = new Map<Category, number>();
    const each = new Map<Category, number>();
    let sum = 0;
    let together = 0;
    for (const { allocation, sign } of this.#history) {
      const { bytes, category } = allocation;
      const held = (now.get(category) ?? 0) + sign * bytes;
      now.set(category, held);
      each.set(category, Math.max(each.get(category) ?? 0, held));
      sum += sign * bytes;
      together = Math.max(together, sum);
    }
    return { each, together };
  }

  /** The largest single buffer, bytes. */
  largest(): number {
    return this.#history.reduce((most, { allocation }) => Math.max(most, allocation.bytes), 0);
  }
}
