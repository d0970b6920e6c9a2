/**
 * A hint to collect garbage. JavaScript's collector frees tensors that nobody disposed, and WebGPU objects without a
 * `destroy`. The collector sees only small objects, however much device memory they hold, so it has no reason to run.
 *
 * Memory outside the heap is a reason. An ArrayBuffer counts as such memory, and nothing ever touches its pages. Under
 * V8 an ArrayBuffer of this size, in bytes, starts a collection, which takes some milliseconds. So use it only when
 * many such objects have gathered.
 */
const BALLAST = 128 * 2 ** 20;

/** Suggests a collection. Finalizers run when the program next returns to its event loop. */
export function suggestCollection(): void {
  try {
    new ArrayBuffer(BALLAST);
  } catch {
    // Without that much address space, the collector runs soon enough.
  }
}

/** Suggests a collection whenever a count has grown by `every` since the last time. */
export class CollectionHint {
  readonly #every: number;
  #next: number;

  constructor(every: number) {
    this.#every = every;
    this.#next = every;
  }

  /** Call it with the count before another is added. */
  growing(count: number): void {
    if (count < this.#next) return;
    suggestCollection();
    this.#next = count + this.#every;
  }

  /** Call it with the count after one is gone. */
  shrunk(count: number): void {
    this.#next = Math.min(this.#next, count + this.#every);
  }
}
