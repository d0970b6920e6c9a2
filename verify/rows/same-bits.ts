/** The same seed twice, with 1 and with 4 decoder threads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagsOf } from '../processes.ts';
import { either, type Row } from '../row.ts';
import { runTrain } from '../train-run.ts';

export const sameBits: Row = {
  name: 'same-bits',
  title: 'one epoch of fine-tuning with the same seed twice, with 1 and 4 threads: equal bits',
  minutes: 4,
  ci: true,
  run: async ({ data, weights, scratch }) => {
    const runs = [];
    for (const threads of [1, 4]) {
      runs.push(await runTrain(join(scratch, `threads${threads}`), flagsOf({ data, weights, epochs: 1, threads })));
    }
    const [first, second] = runs.map((run) =>
      JSON.stringify(run.metrics.map(({ epoch, phase, loss, acc }) => ({ epoch, phase, loss, acc }))),
    );
    const [one, other] = runs.map((run) => readFileSync(join(run.folder, 'best.safetensors')));
    return [
      either('losses and accuracies of both phases', first === second, 'equal bits', `${first} and ${second}`),
      either('best.safetensors', one!.equals(other!), 'equal bits', 'different'),
    ];
  },
};
