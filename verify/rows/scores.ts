/** The figures of a judgement against scikit-learn's; Wilson's interval and the calibration error against NumPy. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JudgedSet, judge, type Rates, softmax } from '../../src/judge/index.ts';
import { Generator } from '../../src/random/mt19937.ts';
import { all, atMost, type Context, type Outcome, type Row, Skipped, scientific } from '../row.ts';
import { largestDifference, runScript } from '../tensors.ts';

const CASES = 1000;
const BAR = 1e-12;
/** The most pictures and classes of a case. */
const MOST_PICTURES = 120;
const MOST_CLASSES = 12;

export const scores: Row = {
  name: 'scores',
  title: `${CASES} random judgements: scikit-learn's metrics, Wilson's interval and the calibration error in NumPy`,
  minutes: 0.5,
  ci: true,
  run: compare,
};

/** What scores.py writes for a case. */
interface Expected {
  readonly accuracy: number;
  readonly confusion: readonly (readonly number[])[];
  readonly balanced: number;
  readonly topK: readonly number[];
  readonly loss: number;
  /** Precision, recall, F1; each by class. */
  readonly classes: readonly (readonly number[])[];
  readonly micro: readonly number[];
  readonly macro: readonly number[];
  readonly weighted: readonly number[];
  readonly interval: readonly [number, number];
  readonly ece: number;
}

async function compare(context: Context): Promise<Outcome[]> {
  const { python, scratch } = context;
  try {
    execFileSync(python, ['-c', 'import sklearn'], { stdio: 'ignore' });
  } catch {
    throw new Skipped(`${python} has no scikit-learn (Debian: python3-sklearn)`);
  }
  const random = new Generator(1);
  const cases = Array.from({ length: CASES }, () => drawCase(random));
  const texts = cases.map(({ classes, truths, probabilities }) => ({
    classes: classes.length,
    truths,
    probabilities: Array.from(probabilities),
  }));
  writeFileSync(join(scratch, 'cases.json'), JSON.stringify(texts));
  runScript(context, 'verify/python/scores.py', [scratch]);
  const expected = JSON.parse(readFileSync(join(scratch, 'scores.json'), 'utf8')) as Expected[];

  const worst = new Map<string, number>();
  let confusions = 0;
  for (const [i, one] of cases.entries()) {
    const own = judge(one);
    const want = expected[i]!;
    if (JSON.stringify(own.confusion) === JSON.stringify(want.confusion)) confusions++;
    const pairs: Readonly<Record<string, readonly [readonly number[], readonly number[]]>> = {
      accuracy: [[own.accuracy], [want.accuracy]],
      'balanced accuracy': [[own.balancedAccuracy], [want.balanced]],
      'top-k accuracies': [own.topK.map(({ accuracy }) => accuracy), want.topK],
      loss: [[own.loss], [want.loss]],
      'precision, recall and F1 of each class': [ratesOf(own.classes).flat(), want.classes.flat()],
      'their micro averages': [ratesOf([own.averages.micro]).flat(), want.micro],
      'their macro averages': [ratesOf([own.averages.macro]).flat(), want.macro],
      'their weighted averages': [ratesOf([own.averages.weighted]).flat(), want.weighted],
      "Wilson's interval": [own.interval, want.interval],
      'calibration error': [[own.ece], [want.ece]],
    };
    for (const [what, [a, b]] of Object.entries(pairs)) {
      worst.set(what, Math.max(worst.get(what) ?? 0, differenceOf(a, b)));
    }
  }
  return [
    all('confusion matrices', confusions, CASES),
    ...[...worst].map(([what, difference]) => atMost(`${what}, difference`, difference, BAR, scientific)),
  ];
}

/** Precisions, then recalls, then F1s. */
function ratesOf(list: readonly Rates[]): number[][] {
  return (['precision', 'recall', 'f1'] as const).map((rate) => list.map((one) => one[rate]));
}

function differenceOf(a: readonly number[], b: readonly number[]): number {
  return a.length === b.length ? largestDifference(a, b) : Number.POSITIVE_INFINITY;
}

/** From a few to many pictures and classes, some of which have no picture; from blind to sure. */
function drawCase(random: Generator): JudgedSet & { readonly truths: number[] } {
  const width = 2 + random.randint(MOST_CLASSES - 1);
  const count = 1 + random.randint(MOST_PICTURES);
  const skill = random.randint(4);
  const sharpness = 1 + random.randint(6);
  const shown = 1 + random.randint(width);
  const real = () => random.randint(2 ** 31) / 2 ** 31;
  const truths = Array.from({ length: count }, () => random.randint(shown));
  const rows = truths.map((truth) =>
    softmax(Array.from({ length: width }, (_, label) => sharpness * real() + (label === truth ? skill : 0))),
  );
  return {
    classes: Array.from({ length: width }, (_, label) => `class ${label}`),
    paths: truths.map((_, i) => `${i}.jpg`),
    truths,
    probabilities: rows.flatMap((row) => Array.from(row)),
  };
}
