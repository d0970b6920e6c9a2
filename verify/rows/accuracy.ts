/** Both modes on the real pictures: best val accuracy beside PyTorch's runs from the same weights. */
import { type Context, fourDigits, type Outcome, type Row } from '../row.ts';
import { bestValAccuracy, referenceRun, seededRun } from '../train-run.ts';

/** Two points in both directions, added to the range of PyTorch's three seeds. */
const MARGIN = 0.02;
const SEEDS = [0, 1];
const REFERENCE_SEEDS = [0, 1, 2];

export const extractorAccuracy: Row = {
  name: 'extractor-accuracy',
  title: 'feature extractor, 25 epochs, seeds 0 and 1: best val accuracy',
  minutes: 25,
  ci: false,
  run: (context) => accuracy(context, 'extract', 25),
};

export const finetuneAccuracy: Row = {
  name: 'finetune-accuracy',
  title: 'fine-tuning, the first 10 of 25 epochs, seeds 0 and 1: best val accuracy',
  minutes: 30,
  ci: false,
  run: (context) => accuracy(context, 'finetune', 10),
};

async function accuracy(context: Context, mode: 'extract' | 'finetune', epochs: number): Promise<Outcome[]> {
  const torch = REFERENCE_SEEDS.map((seed) => bestValAccuracy(referenceRun(context.reference, mode, seed), epochs));
  const [low, high] = [Math.min(...torch) - MARGIN, Math.max(...torch) + MARGIN];
  const outcomes: Outcome[] = [];
  for (const seed of SEEDS) {
    const best = bestValAccuracy((await seededRun(context, mode, seed, epochs)).metrics, epochs);
    outcomes.push({
      what: `${mode}, seed ${seed}, best val accuracy of ${epochs} epochs (PyTorch with this seed: ${fourDigits(torch[seed]!)})`,
      figure: fourDigits(best),
      bar: `${fourDigits(low)} to ${fourDigits(high)}`,
      holds: best >= low && best <= high,
    });
  }
  return outcomes;
}
