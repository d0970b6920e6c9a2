/** Rows for losses, and for the count of correct rows. */
import * as engine from '../../../src/autograd/index.ts';
import { type Reduction, type Shape, sizeOf, type Tensor } from '../../../src/autograd/index.ts';
import type { Token } from '../draft.ts';
import { atLeast, between, chooser, ofRank, type Row, row, type Site, sameAs } from './row.ts';

/** Programs give all tensors the type of f32 tensors, which labels are not. */
const labelsOf = (labels: Tensor | undefined) => labels as unknown as Tensor<'u32'>;

const REDUCTIONS = ['mean', 'sum', 'none'] as const;
const reducedTo = (shape: Shape, reduction: Reduction): Shape => (reduction === 'none' ? shape : []);

export const labelledShape = ([batch, , ...rest]: Shape): Shape => [batch!, ...rest];

type ClassLoss = {
  readonly reduction: Reduction;
  readonly ignoreIndex: number | null;
  readonly labelSmoothing?: number;
};

/** Scores, labels, sometimes weights of the classes, and options. */
function classLoss(site: Site, token: Token) {
  const scores = site.take(token, atLeast(2));
  if (scores === undefined) return undefined;
  const shape = site.shape(scores);
  const classes = shape[1]!;
  const labels = site.leaf('y', labelledShape(shape), { kind: 'labels', classes });
  const choose = chooser(token.option);
  const plain = choose([true, false]);
  const weight = !plain && choose([true, false]) ? site.leaf('k', [classes], between(0.5, 1.5)) : undefined;
  const reduction = plain ? 'mean' : choose(REDUCTIONS);
  // The mean of no rows is NaN, so some row must count.
  const ignores = !plain && classes > 2 && (reduction !== 'mean' || sizeOf(labelledShape(shape)) > 8);
  const ignoreIndex = ignores ? choose([1, null]) : null;
  return { scores, labels, weight, options: { reduction, ignoreIndex }, smoothing: plain ? 0 : choose([0, 0.1, 0.7]) };
}

const classOptions = ({ reduction, ignoreIndex }: ClassLoss, weight: Tensor | undefined) => ({
  reduction,
  weight,
  ...(ignoreIndex !== null && { ignoreIndex }),
});

const crossEntropy = row<ClassLoss>({
  weight: 6,
  draw: (site, token) => {
    const loss = classLoss(site, token);
    if (!loss) return undefined;
    const { scores: logits, labels, weight, options, smoothing } = loss;
    return { inputs: { logits, labels, weight }, options: { ...options, labelSmoothing: smoothing } };
  },
  shape: ({ logits }, { reduction }) => reducedTo(labelledShape(logits!), reduction),
  run: ({ logits, labels, weight }, options) =>
    engine.crossEntropy(logits!, labelsOf(labels), {
      ...classOptions(options, weight),
      labelSmoothing: options.labelSmoothing ?? 0,
    }),
  gradients: { logits: ['logits', 'labels', 'own'] },
});

const nllLoss = row<ClassLoss>({
  weight: 4,
  draw: (site, token) => {
    const loss = classLoss(site, token);
    if (!loss) return undefined;
    const { scores: logProbabilities, labels, weight, options } = loss;
    return { inputs: { logProbabilities, labels, weight }, options };
  },
  shape: ({ logProbabilities }, { reduction }) => reducedTo(labelledShape(logProbabilities!), reduction),
  run: ({ logProbabilities, labels, weight }, options) =>
    engine.nllLoss(logProbabilities!, labelsOf(labels), classOptions(options, weight)),
  gradients: { logProbabilities: ['labels', 'own'] },
});

const mse = row<{ reduction: Reduction }>({
  weight: 3,
  draw: (site, token) => {
    const input = site.take(token);
    if (input === undefined) return undefined;
    const target = site.takeOther(token, sameAs(site.shape(input)));
    return { inputs: { input, target }, options: { reduction: chooser(token.option)(REDUCTIONS) } };
  },
  shape: ({ input }, { reduction }) => reducedTo(input!, reduction),
  run: ({ input, target }, { reduction }) => engine.mse(input!, target!, { reduction }),
  gradients: { input: ['input', 'target'], target: ['input', 'target'] },
  heat: ({ input, target }) => 2 * Math.max(input!, target!) + 0.5,
});

/** A weight that broadcasts to a shape: of the last dimension, of all, or of one value. */
function weightFor(site: Site, shape: Shape, kind: number): string {
  const wanted = [shape.slice(-1), shape, []][kind % 3]!;
  return site.leaf('k', wanted, between(0.5, 2));
}

const bceWithLogits = row<{ reduction: Reduction }>({
  weight: 4,
  draw: (site, token) => {
    const logits = site.take(token, (shape) => shape.length <= 8);
    if (logits === undefined) return undefined;
    const shape = site.shape(logits);
    const choose = chooser(token.option);
    const reduction = choose(REDUCTIONS);
    const target = choose(['parameter', 'tensor']);
    const weights = choose([false, true]) ? weightFor(site, shape, token.size) : undefined;
    const posWeight = choose([false, true]) ? weightFor(site, shape, token.with) : undefined;
    const inputs = {
      logits,
      target:
        target === 'parameter'
          ? site.leaf('w', shape, between(0, 1), token.size % 2 === 0)
          : site.call('sigmoid', { x: site.takeOther(token, sameAs(shape))! }),
      weight: weights,
      posWeight,
    };
    return { inputs, options: { reduction } };
  },
  shape: ({ logits }, { reduction }) => reducedTo(logits!, reduction),
  run: ({ logits, target, weight, posWeight }, { reduction }) =>
    engine.bceWithLogits(logits!, target!, { weight, posWeight, reduction }),
  gradients: {
    logits: ['logits', 'target', 'weight', 'posWeight'],
    target: ['logits', 'target', 'weight', 'posWeight'],
  },
  heat: ({ logits }) => logits! + 0.5,
});

const countCorrect = row({
  weight: 3,
  draw: (site, token) => {
    const logits = site.take(token, ofRank(2));
    if (logits === undefined) return undefined;
    const [rows, classes] = site.shape(logits) as [number, number];
    return { inputs: { logits, labels: site.leaf('y', [rows], { kind: 'labels', classes }) } };
  },
  shape: () => [],
  run: ({ logits, labels }) => engine.countCorrect(logits!, labelsOf(labels)) as unknown as Tensor,
  gradients: {},
  reads: [],
  type: 'u32',
  heat: () => 0,
});

export const LOSSES: Readonly<Record<string, Row>> = { crossEntropy, nllLoss, mse, bceWithLogits, countCorrect };
