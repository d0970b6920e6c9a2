/** Whether ops are recorded now. */
import { callSync } from '../gpu/call-sync.ts';

let noGradDepth = 0;

/** False inside `noGrad`. */
export const isRecording = () => noGradDepth === 0;

/**
 * Runs `fn` without recording: its results have no gradient and keep no activations.
 * @throws TypeError if `fn` is asynchronous
 */
export function noGrad<T>(fn: () => T): T {
  noGradDepth++;
  try {
    return callSync('noGrad', fn);
  } finally {
    noGradDepth--;
  }
}
