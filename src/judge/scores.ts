/** The figures of a network over labelled pictures, as scikit-learn defines them. */
import { DawngradError } from '../errors.ts';
import { printable } from '../printable.ts';
import { calibrationError, calibrationOf, ratio } from './calibration.ts';
import { wilsonInterval } from './interval.ts';
import type { Answer, Averages, ClassScores, JudgedSet, Rates, Scores, TopK } from './types.ts';

/** The largest k of `topK`, and the most classes of `Answer.top`. */
const MOST_TOP = 5;

/**
 * Judges a network's probabilities. The answer is the likeliest class; among equals the lower index comes first, as in
 * torch's `argmax` and numpy's.
 * @throws DawngradError if the sizes do not fit each other, a truth is no class, or a probability is no number from 0
 *   to 1
 */
export function judge(set: JudgedSet): Scores {
  check(set);
  const { classes: names, paths, truths } = set;
  const width = names.length;
  const confusion = names.map(() => new Array<number>(width).fill(0));
  const found = new Array<number>(width).fill(0);
  const answers = paths.map((_, i) => {
    const row = rowOf(set, i);
    const order = likeliestFirst(row);
    confusion[truths[i]!]![order[0]!]!++;
    found[order.indexOf(truths[i]!)]!++;
    return answerOf(set, i, row, order);
  });
  const classes = names.map((name, label) => classScores(name, label, confusion));
  const count = answers.length;
  const right = answers.filter((answer) => answer.right).length;
  const seen = classes.filter((one) => one.count > 0);
  const calibration = calibrationOf(answers);
  return {
    count,
    right,
    accuracy: ratio(right, count),
    interval: wilsonInterval(right, count),
    balancedAccuracy: ratio(total(seen, 'recall'), seen.length),
    loss: ratio(total(answers, 'loss'), count),
    ece: calibrationError(calibration),
    calibration,
    topK: topKOf(found),
    averages: averagesOf(classes, ratio(right, count)),
    classes,
    confusion,
    answers,
  };
}

function check({ classes, paths, truths, probabilities, losses }: JudgedSet): void {
  const [count, width] = [paths.length, classes.length];
  if (truths.length !== count || probabilities.length !== count * width || (losses?.length ?? count) !== count) {
    throw new DawngradError(
      `judge: expected a truth and ${width} probabilities for each of ${count} pictures, found ${truths.length} truths ` +
        `and ${probabilities.length} probabilities.`,
    );
  }
  for (let i = 0; i < count; i++) {
    const truth = truths[i]!;
    if (!(Number.isInteger(truth) && truth >= 0 && truth < width)) {
      throw new DawngradError(
        `judge: ${printable(paths[i]!)}: expected a class from 0 to ${width - 1}, found ${truth}.`,
      );
    }
  }
  for (let i = 0; i < probabilities.length; i++) {
    const value = probabilities[i]!;
    // A sum of rounded shares may be a little more than 1.
    if (value >= 0 && value <= 1 + 1e-6) continue;
    const path = printable(paths[Math.floor(i / width)]!);
    throw new DawngradError(`judge: ${path}: expected probabilities from 0 to 1, found ${value}.`);
  }
}

/** The probabilities of one picture. */
function rowOf({ classes, probabilities }: JudgedSet, index: number): Float64Array {
  const width = classes.length;
  return Float64Array.from({ length: width }, (_, label) => probabilities[index * width + label]!);
}

function likeliestFirst(row: Float64Array): number[] {
  return Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
}

function answerOf(
  { classes, paths, truths, losses }: JudgedSet,
  index: number,
  row: Float64Array,
  order: number[],
): Answer {
  const [truth, answer] = [truths[index]!, order[0]!];
  return {
    path: paths[index]!,
    truth: classes[truth]!,
    answer: classes[answer]!,
    right: truth === answer,
    probability: row[answer]!,
    loss: losses?.[index] ?? lossOf(row[truth]!),
    top: order.slice(0, MOST_TOP).map((label) => ({ name: classes[label]!, probability: row[label]! })),
  };
}

/** A probability that is too small for a double counts as the smallest one. */
function lossOf(probability: number): number {
  return Math.max(0, -Math.log(Math.max(probability, Number.MIN_VALUE)));
}

function classScores(name: string, label: number, confusion: readonly (readonly number[])[]): ClassScores {
  const right = confusion[label]![label]!;
  const count = sum(confusion[label]!);
  const answered = sum(confusion.map((row) => row[label]!));
  const rates = {
    precision: ratio(right, answered),
    recall: ratio(right, count),
    f1: ratio(2 * right, count + answered),
  };
  return { name, count, right, answered, ...rates };
}

function averagesOf(classes: readonly ClassScores[], accuracy: number): Averages {
  const mean = (weight: (one: ClassScores) => number): Rates => {
    const all = sum(classes.map(weight));
    const of = (rate: keyof Rates) => ratio(sum(classes.map((one) => weight(one) * one[rate])), all);
    return { precision: of('precision'), recall: of('recall'), f1: of('f1') };
  };
  return {
    micro: { precision: accuracy, recall: accuracy, f1: accuracy },
    macro: mean(() => 1),
    weighted: mean(({ count }) => count),
  };
}

/** @param found how many pictures have their class in each place, the likeliest first */
function topKOf(found: readonly number[]): TopK[] {
  const most = Math.max(1, Math.min(MOST_TOP, found.length - 1));
  return Array.from({ length: most }, (_, i) => {
    const k = i + 1;
    return { k, accuracy: ratio(sum(found.slice(0, k)), sum(found)) };
  });
}

function total<K extends string>(list: readonly Readonly<Record<K, number>>[], key: K): number {
  return sum(list.map((one) => one[key]));
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
