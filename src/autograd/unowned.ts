/**
 * Tensors that no scope will dispose. When JavaScript collects one, its memory returns to the pool. When many have
 * gathered, a collection is suggested. If they stay, the program still holds them, and a report says which ops made
 * them. Beyond a limit the next one is an error, before the driver runs out of a resource and the process crashes.
 */

import { CollectionHint } from '../gpu/collect.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { TensorLeakError } from './errors.ts';
import type { Holdings } from './holdings.ts';

/** A collection is suggested after this many more. */
const SUGGEST_EVERY = 128;
/** This many cause a report, once per device. */
const REPORT_AT = 1536;
/** More are an error. */
const LIMIT = 16_384;

const ADVICE =
  'Dispose each tensor once it is read, compute inside scope(), or store the values that item() and data() return. ' +
  'keep() exempts a tensor that is meant to stay.';

class Unowned {
  readonly #held = new Set<Holdings>();
  readonly #hint = new CollectionHint(SUGGEST_EVERY);
  #reported = false;

  get size(): number {
    return this.#held.size;
  }

  add(holdings: Holdings): void {
    const { size } = this.#held;
    // Also at the limit: a program that catches the error goes on once its tensors were collected.
    this.#hint.growing(size);
    if (size >= LIMIT) {
      throw new TensorLeakError(`${size} tensors are alive outside any scope: ${this.#describe()}. ${ADVICE}`);
    }
    if (size >= REPORT_AT && !this.#reported) {
      this.#reported = true;
      console.warn(
        `dawngrad: ${size} tensors are alive outside any scope: ${this.#describe()}. At ${LIMIT}, the next one is an ` +
          `error. ${ADVICE}`,
      );
    }
    this.#held.add(holdings);
  }

  delete(holdings: Holdings): void {
    this.#held.delete(holdings);
    this.#hint.shrunk(this.#held.size);
  }

  /** `1200 of crossEntropy, 300 of Tensor.from`: the most frequent first. */
  #describe(): string {
    const counts = new Map<string, number>();
    for (const { label } of this.#held) counts.set(label, (counts.get(label) ?? 0) + 1);
    const sorted = [...counts].sort(([, a], [, b]) => b - a);
    const named = sorted.slice(0, 3).map(([label, count]) => `${count} of ${label}`);
    return sorted.length > 3 ? `${named.join(', ')} and others` : named.join(', ');
  }
}

const byDevice = new WeakMap<Gpu, Unowned>();

function unownedOf({ storage: { gpu } }: Holdings): Unowned {
  let unowned = byDevice.get(gpu);
  if (!unowned) {
    unowned = new Unowned();
    byDevice.set(gpu, unowned);
  }
  return unowned;
}

const collected = new FinalizationRegistry<Holdings>((holdings) => {
  unownedOf(holdings).delete(holdings);
  holdings.release();
});

/** Watches a tensor that no scope disposes. A `kept` one does not count toward the limit. @throws TensorLeakError */
export function watch(tensor: { readonly holdings: Holdings }, kept: boolean): void {
  const { holdings } = tensor;
  unwatch(holdings);
  if (!kept) unownedOf(holdings).add(holdings);
  holdings.watched = true;
  collected.register(tensor, holdings, holdings);
}

/** Stops watching: the tensor is disposed, or a scope owns it. */
export function unwatch(holdings: Holdings): void {
  if (!holdings.watched) return;
  holdings.watched = false;
  collected.unregister(holdings);
  unownedOf(holdings).delete(holdings);
}

/** Number of a device's tensors that no scope owns and that were not kept on purpose. */
export function unownedTensors(gpu: Gpu): number {
  return byDevice.get(gpu)?.size ?? 0;
}
