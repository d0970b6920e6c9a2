/** The programs of examples/ against the same ones in PyTorch, from the same weights. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EXAMPLES, lossesOf, type TrainingExample } from '../example-losses.ts';
import { atMost, type Context, type Outcome, type Row, scientific } from '../row.ts';

/** A page that reads well. */
const MOST_LINES = 119;

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

function torchLosses({ python }: Context, name: TrainingExample): number[][] {
  const printed = execFileSync(python, [path(`verify/python/examples/${name}.py`)], { encoding: 'utf8' });
  return printed
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
}

export const examples: Row = {
  name: 'examples',
  title: 'examples/ against PyTorch: the first ten losses, from the same weights',
  minutes: 1,
  ci: true,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const name of EXAMPLES) {
      const [ours, theirs] = [(await lossesOf(name)).flat(), torchLosses(context, name).flat()];
      const worst = Math.max(...theirs.map((loss, i) => Math.abs(loss - (ours[i] ?? Number.NaN))));
      outcomes.push(atMost(`${name}: ${theirs.length} losses, largest difference`, worst, 3e-6, scientific));
      const lines = readFileSync(path(`examples/${name}.ts`), 'utf8')
        .trimEnd()
        .split('\n').length;
      outcomes.push(atMost(`${name}: lines`, lines, MOST_LINES, String));
    }
    return outcomes;
  },
};
