/**
 * Waiting for Dawn without spinning. While one of its promises is pending, its Node binding polls in a busy loop on the main
 * thread, once a turn of the event loop, which takes a core that a CPU adapter needs. So as long as somebody waits, each turn
 * begins with a nap. Threads go on meanwhile, and what they send is handled between two naps.
 */

/**
 * Each nap lasts this share of the time waited so far, so that the end of the work is noticed late by no more than that, and
 * at most so many milliseconds: a poll costs some 40 microseconds of a core.
 */
const SHARE = 1 / 16;
const SHORTEST = 0.1;
const LONGEST = 4;

/** Nobody ever wakes a sleeper here. */
const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
/** When somebody last began to wait; undefined where nobody naps. */
let since: number | undefined;

/** Waits for a promise of Dawn. */
export async function napUntil<T>(promise: Promise<T>): Promise<T> {
  waiting++;
  if (since === undefined) setImmediate(nap);
  since = performance.now();
  try {
    return await promise;
  } finally {
    waiting--;
  }
}

function nap(): void {
  if (waiting === 0) {
    since = undefined;
    return;
  }
  const waited = performance.now() - since!;
  Atomics.wait(cell, 0, 0, Math.min(LONGEST, Math.max(SHORTEST, SHARE * waited)));
  setImmediate(nap);
}
