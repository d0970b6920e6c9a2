/**
 * Waiting for Dawn without spinning. While one of its promises is pending, its Node binding polls in a busy loop on the main
 * thread, once a turn of the event loop, which takes a core that a CPU adapter needs. So as long as somebody waits, each turn
 * begins with a nap. Threads go on meanwhile, and what they send is handled between two naps.
 */

/** Milliseconds. Half of it is, on average, how late the end of the work is noticed. */
const NAP = 0.5;

/** Nobody ever wakes a sleeper here. */
const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let napping = false;

/** Waits for a promise of Dawn. */
export async function napUntil<T>(promise: Promise<T>): Promise<T> {
  waiting++;
  if (!napping) {
    napping = true;
    setImmediate(nap);
  }
  try {
    return await promise;
  } finally {
    waiting--;
  }
}

function nap(): void {
  if (waiting === 0) {
    napping = false;
    return;
  }
  Atomics.wait(cell, 0, 0, NAP);
  setImmediate(nap);
}
