/** The same seed twice, with 1 and with 4 decoder threads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../row.ts';
import { runTrain } from '../train-run.ts';

export const sameBits: Row = {
  name: 'same-bits',
  title: 'one epoch of fine-tuning with the same seed twice, with 1 and 4 threads: equal bits',
  minutes: 4,
  ci: true,
  run: async (context) => {
    const runs = [];
    for (const threads of [1, 4]) {
      const flags = ['--data', context.data, '--weights', context.weights, '--epochs', '1', '--threads', `${threads}`];
      runs.push(await runTrain(join(context.scratch, `threads${threads}`), flags));
    }
    const [first, second] = runs.map((run) =>
      run.metrics.map(({ epoch, phase, loss, acc }) => ({ epoch, phase, loss, acc })),
    );
    const [weights, others] = runs.map((run) => readFileSync(join(run.folder, 'best.safetensors')));
    return [
      {
        what: 'losses and accuracies of both phases',
        figure:
          JSON.stringify(first) === JSON.stringify(second)
            ? 'equal'
            : `${JSON.stringify(first)} and ${JSON.stringify(second)}`,
        bar: 'bit-equal',
        holds: JSON.stringify(first) === JSON.stringify(second),
      },
      {
        what: 'best.safetensors',
        figure: weights!.equals(others!) ? 'equal' : 'different',
        bar: 'bit-equal',
        holds: weights!.equals(others!),
      },
    ];
  },
};
