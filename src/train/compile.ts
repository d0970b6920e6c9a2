/** Compiles the kernels of a run before it needs them. */
import { setImmediate } from 'node:timers/promises';
import type { Gpu } from '../gpu/gpu.ts';
import type { Rehearsal } from '../plan/index.ts';

/** Compiles the kernels that the run will need. Between two of them signals and messages have their turn. */
export async function compile({ programs }: Rehearsal, gpu: Gpu, isStopped: () => boolean): Promise<void> {
  for (const program of programs) {
    if (isStopped()) return;
    gpu.compile(program);
    await setImmediate();
  }
}
