/** `npm run predict` with ImageNet's weights on all val pictures, against PyTorch with torchvision's transforms and names. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ranking } from '../../src/predict/index.ts';
import { atMost, type Context, type Row, scientific } from '../row.ts';
import { runPython } from '../tensors.ts';

/** What it prints of a picture. */
interface Printed {
  readonly path: string;
  readonly top: Ranking;
}

const TOP = 5;

export const predict: Row = {
  name: 'predict',
  title: 'the predict command on all val pictures, 1000 classes: the same top-1 and names as PyTorch',
  minutes: 3,
  ci: true,
  run: async (context) => {
    const folder = join(context.data, 'val');
    const printed = runPredict(context, folder);
    const { tensors, metadata } = runPython(context, 'predict.py', new Map(), [context.weights, folder]);
    const names = JSON.parse(metadata.names!) as string[];
    const paths = JSON.parse(metadata.paths!) as string[];
    const { data } = tensors.get('logits')!;
    const expected = paths.map((_, i) => probabilities(data.subarray(i * names.length, (i + 1) * names.length)));

    const byPath = new Map(printed.map((one) => [one.path, one.top]));
    const pairs = paths.map((path, i) => ({ ours: byPath.get(path), theirs: expected[i]! }));
    const sameTop1 = pairs.filter(({ ours, theirs }) => ours?.[0].index === theirs.indexOf(Math.max(...theirs)));
    const classes = printed.flatMap(({ top }) => top);
    const named = classes.filter(({ name, index }) => name === names[index]);
    const differences = pairs.flatMap(({ ours, theirs }) =>
      (ours ?? []).map(({ index, probability }) => Math.abs(probability - theirs[index]!)),
    );
    const all = (count: number, of: number, what: string) => ({
      what,
      figure: `${count} of ${of}`,
      bar: 'every one',
      holds: count === of && of > 0,
    });
    return [
      all(printed.length, paths.length, 'pictures told of'),
      all(sameTop1.length, paths.length, 'pictures whose top-1 class is PyTorch’s'),
      all(named.length, paths.length * TOP, 'classes told of that have torchvision’s name'),
      // Logits are within some 1e-5 (see eval-forward), and so is the logarithm of a probability.
      atMost('probabilities, largest difference', Math.max(...differences), 1e-4, scientific),
    ];
  },
};

/** Runs the command as a user would, in a process of its own. */
function runPredict({ weights }: Context, folder: string): Printed[] {
  const script = fileURLToPath(new URL('../../src/cli/predict.ts', import.meta.url));
  const flags = ['--weights', weights, '--json', '--top', String(TOP), folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, ...flags], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`predict ended with status ${status}:\n${stderr}`);
  const lines = stdout.trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Printed);
}

/** Softmax, in double. */
function probabilities(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}
