/** Judges a network by its raw outputs. */
import { judge } from './scores.ts';
import { crossEntropyOf, softmax } from './softmax.ts';
import type { JudgedSet, Scores } from './types.ts';

/** Pictures with their truths, and a network's outputs. */
export interface ScoredSet extends Omit<JudgedSet, 'probabilities' | 'losses'> {
  /** [pictures, classes], row-major: logits. */
  readonly scores: Float32Array;
}

/** Judges the softmax of scores. @throws DawngradError as `judge`; also if a score is not finite */
export function judgeScores({ scores, ...set }: ScoredSet): Scores {
  const width = set.classes.length;
  const probabilities = new Float64Array(scores.length);
  const losses = Float64Array.from(set.paths, (_, i) => {
    const row = scores.subarray(i * width, (i + 1) * width);
    probabilities.set(softmax(row), i * width);
    return crossEntropyOf(row, set.truths[i]!);
  });
  return judge({ ...set, probabilities, losses });
}
