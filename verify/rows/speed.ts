/** Times of whole steps beside PyTorch's, in turn in one run. */
import { compare, type Work } from '../../bench/compare.ts';
import type { Context, Outcome, Row } from '../row.ts';

const BARS: Record<Work, number> = { 'finetune-step': 5, 'extract-step': 8, 'eval-forward': 8 };

export const speed: Row = {
  name: 'speed',
  title: 'steps at batch 4 beside PyTorch’s on the same machine (keep it quiet)',
  minutes: 3,
  ci: true,
  run: (context) => besidePyTorch(context, BARS, 20),
};

/** Each kind of work beside PyTorch's in the same run, held to its bar: so many times PyTorch's time. */
export async function besidePyTorch(
  { python, weights }: Context,
  bars: Readonly<Record<Work, number>>,
  steps: number,
): Promise<Outcome[]> {
  const results = await compare({ python, weights, steps });
  return results.map(({ work, oursMs, pytorchMs, ratio }) => ({
    what: `${work}, ours ${oursMs.toFixed(0)} ms, PyTorch ${pytorchMs.toFixed(0)} ms (medians of ${steps} steps)`,
    figure: `${ratio.toFixed(2)} times PyTorch's`,
    bar: `at most ${bars[work]} times`,
    holds: ratio <= bars[work],
  }));
}
