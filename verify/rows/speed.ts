/** Times of whole steps beside PyTorch's, in turn in one run. */
import { compare, type Work } from '../../bench/compare.ts';
import type { Row } from '../row.ts';

const BARS: Record<Work, number> = { 'finetune-step': 5, 'extract-step': 8, 'eval-forward': 8 };

export const speed: Row = {
  name: 'speed',
  title: 'steps at batch 4 beside PyTorch’s on the same machine (keep it quiet)',
  minutes: 3,
  ci: true,
  run: async (context) => {
    const results = await compare({ python: context.python, weights: context.weights });
    return results.map(({ work, oursMs, pytorchMs, ratio }) => ({
      what: `${work}, ours ${oursMs.toFixed(0)} ms, PyTorch ${pytorchMs.toFixed(0)} ms (medians of 20 steps)`,
      figure: `${ratio.toFixed(2)} times PyTorch's`,
      bar: `at most ${BARS[work]} times`,
      holds: ratio <= BARS[work],
    }));
  },
};
