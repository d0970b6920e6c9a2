/** Accounts for a buffer pool: the maximum in use, by category. */
import type { BufferPool, Pooled } from '../gpu/pool.ts';

/** One buffer or texture, from its acquisition to its release. */
interface Allocation<Category> {
  readonly bytes: number;
  /** Often known only later, when the use of the buffer shows. */
  category: Category;
}

/** Watches a pool from its creation on. Every buffer starts in the category `rest`. */
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

  /** Assigns a buffer that is in use to `category`. */
  put(bufferId: number, category: Category): void {
    this.#open.get(bufferId)!.category = category;
  }

  /** Assigns every buffer acquired since the last call, and still in use, to `category`. */
  putFresh(category: Category): void {
    for (const allocation of this.#fresh) allocation.category = category;
    this.#fresh = new Set();
  }

  /** Moves the buffers in category `from` that are still in use to category `to`. */
  moveOpen(from: Category, to: Category): void {
    for (const allocation of this.#open.values()) if (allocation.category === from) allocation.category = to;
  }

  /** The most that each category held at any one moment, and the most that all held together; bytes. */
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
