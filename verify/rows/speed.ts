/** Times of whole steps beside PyTorch's, in turn in one run. */
import { compare } from '../../bench/compare.ts';
import type { Work } from '../../bench/steps.ts';
import { atMost, type Context, type Outcome, type Row, times } from '../row.ts';

const BARS: Record<Work, number> = { 'finetune-step': 4.5, 'extract-step': 4, 'eval-forward': 3.5 };

export const speed: Row = {
  name: 'speed',
  title: 'steps at batch 4 beside PyTorch’s on the same machine (keep it quiet)',
  minutes: 3,
  ci: true,
  run: (context) => besidePyTorch(context, BARS, 20),
};

/** Times each kind of work and PyTorch's in the same run. `bars` are multiples of PyTorch's time. */
export async function besidePyTorch(
  { python, weights }: Context,
  bars: Readonly<Record<Work, number>>,
  steps: number,
): Promise<Outcome[]> {
  const results = await compare('pytorch', { python, weights, steps });
  return results.map(({ work, oursMs, peerMs, ratio }) => {
    const ms = `ours ${oursMs.toFixed(0)} ms, PyTorch ${peerMs.toFixed(0)} ms`;
    return atMost(`${work}, ${ms} (medians of ${steps} steps), ratio`, ratio, bars[work], times);
  });
}
