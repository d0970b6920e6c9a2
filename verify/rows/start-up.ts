/** The time from `npm run train` to its first step, with the driver's shader cache first empty and then filled. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, shaderCache } from '../processes.ts';
import { atMost, type Context, type Row, seconds } from '../row.ts';

export const startUp: Row = {
  name: 'start-up',
  title: 'from `npm run train` to the first step, shader cache cold and warm (keep the machine quiet)',
  minutes: 2,
  ci: true,
  run: async (context) => {
    const cold = await secondsToFirstStep(context, 'cold');
    const warm = await secondsToFirstStep(context, 'warm');
    return [atMost('cold shader cache', cold, 60, seconds), atMost('warm shader cache', warm, 10, seconds)];
  },
};

/** Starts a run, waits for the line that reports its first step, and stops it. */
async function secondsToFirstStep(context: Context, name: string): Promise<number> {
  const started = performance.now();
  const flags = ['--data', context.data, '--weights', context.weights, '--out', join(context.scratch, name)];
  const child = spawn('npm', ['run', 'train', '--', ...flags], {
    cwd: ROOT,
    env: { ...process.env, ...shaderCache(join(context.scratch, 'shader-cache')) },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let text = '';
  const first = new Promise<number>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (/ train 1\/\d+ /.test(text)) resolve((performance.now() - started) / 1000);
    });
    child.on('close', () => reject(new Error(`train ended before its first step:\n${text}`)));
  });
  try {
    return await first;
  } finally {
    const closed = new Promise((resolve) => child.on('close', resolve));
    // Ends the whole group: npm, its shell and the run.
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGINT');
    await closed;
  }
}
