/** `npm run predict` with ImageNet's weights on all val pictures, against PyTorch with torchvision's transforms and names. */
import { join } from 'node:path';
import type { Ranking } from '../../src/predict/index.ts';
import { runCommand } from '../processes.ts';
import { all, atMost, type Context, type Row, scientific } from '../row.ts';
import { runPython } from '../tensors.ts';

/** One line of its JSON output. */
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
    const printed = await runPredict(context, folder);
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
    return [
      all('pictures in the output', printed.length, paths.length),
      all('pictures whose top-1 class is PyTorch’s', sameTop1.length, paths.length),
      all('classes with torchvision’s name', named.length, paths.length * TOP),
      // Logits differ by some 1e-5 (see eval-forward), and so does the logarithm of a probability.
      atMost('probabilities, largest difference', Math.max(...differences), 1e-4, scientific),
    ];
  },
};

/** Runs the command as a user would, in its own process. */
async function runPredict({ weights }: Context, folder: string): Promise<Printed[]> {
  const { stdout } = await runCommand('predict', ['--weights', weights, '--json', '--top', `${TOP}`, folder]);
  const lines = stdout.trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Printed);
}

/** Softmax in float64. */
function probabilities(logits: Float32Array): number[] {
  const largest = Math.max(...logits);
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}
