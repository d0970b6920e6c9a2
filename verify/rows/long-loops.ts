/** Loops of many thousand steps: with changing learning rates, without dispose, and with all losses kept. */
import { ended, flat, sampled } from '../flat.ts';
import type { LoopEnd, LoopSample } from '../loops.ts';
import { megabytes, type Outcome, type Row } from '../row.ts';

/** The step from which on everything should be flat. */
const SETTLED = 1000;

const run = (name: string, steps: number) => sampled<LoopSample, LoopEnd>('loops.ts', [name, `${steps}`]);

export const longLoops: Row = {
  name: 'long-loops',
  title: '100,000 steps with a new learning rate each; 20,000 without dispose; 20,000 that keep every loss',
  minutes: 25,
  ci: false,
  alone: true,
  run: async () => {
    const outcomes: Outcome[] = [];
    for (const [name, steps] of [
      ['forgets', 20_000],
      ['new-lr', 100_000],
    ] as const) {
      const loop = await run(name, steps);
      const { samples } = loop;
      outcomes.push(
        ended(name, loop, steps),
        flat(`${name}: bind groups`, samples, SETTLED, ({ bindGroups }) => bindGroups),
        flat(`${name}: bytes of buffers`, samples, SETTLED, ({ allocatedBytes }) => allocatedBytes),
        flat(`${name}: resident memory`, samples, SETTLED, ({ rss }) => rss, megabytes),
      );
    }
    const keeps = await run('keeps', 20_000);
    outcomes.push(
      {
        what: 'keeps: the report',
        figure: `${keeps.last?.report ?? 'none'} (at step ${keeps.last?.reportedAt})`,
        bar: 'names crossEntropy, within 2000 steps',
        holds: (keeps.last?.reportedAt ?? Infinity) < 2000 && /of crossEntropy/.test(keeps.last?.report ?? ''),
      },
      {
        what: 'keeps: the end',
        figure: `${keeps.last?.end ?? 'died'} (at step ${keeps.last?.step}, exit status ${keeps.status})`,
        bar: 'a TensorLeakError, exit status 0',
        holds: /^TensorLeakError/.test(keeps.last?.end ?? '') && keeps.status === 0,
      },
    );
    return outcomes;
  },
};
