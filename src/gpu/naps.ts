/**
 * Waits for Dawn without spinning. While one of Dawn's promises is pending, its Node binding polls in a busy loop on
 * the main thread, once per turn of the event loop. That takes a core that a CPU adapter needs. So during a wait, each
 * turn begins with a nap. Other threads go on meanwhile, and their messages are handled between two naps.
 */

/**
 * Each nap lasts this share of the time waited so far, but at most this many milliseconds. So the end of the work is
 * noticed late by no more than that share. A poll costs some 40 microseconds of a core.
 */
const SHARE = 1 / 16;
const SHORTEST = 0.1;
const LONGEST = 4;

/** Nothing ever notifies this cell. */
const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
/** When the latest wait began; undefined while nothing naps. */
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
