/**
 * A run that may be killed: `child.ts MODE FOLDER DATA`. It goes on with the run in the folder if there is a saved state,
 * else it begins. `LOSE_AT` names a step, counted over the whole run, at which the device is lost, `READ_ONLY_AT` one at
 * which the folder can no longer be written.
 */
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { openGpu } from '../../src/gpu/dawn.ts';
import { type Reporter, resumeTraining, train } from '../../src/train/index.ts';
import { RUN } from './settings.ts';

const [mode, folder, data] = process.argv.slice(2) as ['finetune' | 'extract', string, string];
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
const gpu = await openGpu();
let steps = 0;
const reporter: Reporter = {
  stepDone: () => {
    steps++;
    if (steps === Number(process.env.LOSE_AT)) gpu.device.destroy();
    if (steps === Number(process.env.READ_ONLY_AT)) chmodSync(folder, 0o555);
  },
};
const options = { pictures: false, signal: stop.signal, reporter, gpu, threads: 1 };
try {
  const { summary } = existsSync(join(folder, 'last.safetensors'))
    ? await resumeTraining(folder, options)
    : await train({ ...RUN, ...options, mode, data, out: folder });
  process.exitCode = summary.interrupted ? 130 : 0;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  gpu.close();
}
