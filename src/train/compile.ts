/** Compiles the kernels of a run before it needs them. */
import { setImmediate } from 'node:timers/promises';
import type { Gpu } from '../gpu/gpu.ts';
import type { Rehearsal } from '../plan/index.ts';
import type { Reporter } from './types.ts';

/** Compiles the kernels that the run will need. Between two of them signals and messages have their turn. */
export async function compile(
  { programs }: Rehearsal,
  gpu: Gpu,
  isStopped: () => boolean,
  reporter?: Pick<Reporter, 'preparing'>,
): Promise<void> {
  const tell = (done: number) => reporter?.preparing?.({ stage: 'kernels', done, total: programs.length });
  for (const [done, program] of programs.entries()) {
    if (isStopped()) return;
    tell(done);
    gpu.compile(program);
    await setImmediate();
  }
  tell(programs.length);
}
