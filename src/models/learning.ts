/** Which parameters of a network learn, and at which rates. */
import { OptionError } from '../autograd/errors.ts';
import { AdamW, type Optimizer, SGD } from '../optim/index.ts';
import type { Classifier } from './classifier.ts';
import type { OptimizerName } from './types.ts';

/** The optimizer of a run. */
export interface OptimizerSettings {
  readonly optimizer: OptimizerName;
  /** Learning rate of the last layer. */
  readonly lr: number;
  /** That of all other layers. */
  readonly lrBackbone: number;
  /** Of SGD. AdamW has the averages of torch's default instead. */
  readonly momentum: number;
  readonly weightDecay: number;
}

/**
 * Lets the network learn from this block on, and freezes all before it: they get no gradients. As in the tutorial their
 * batch norms still normalise by each batch and move their statistics, if the network is in training mode.
 * @param from one of the network's blocks; by default all learn
 * @throws OptionError if it has no such block
 */
export function learnFrom({ blocks }: Classifier, from?: string): void {
  if (from !== undefined && !blocks.has(from)) {
    throw new OptionError(`learnFrom(): expected ${[...blocks.keys()].join(', ')}, got ${JSON.stringify(from)}.`);
  }
  let learns = from === undefined;
  for (const [name, parts] of blocks) {
    learns ||= name === from;
    for (const part of parts) part.freeze(!learns);
  }
}

/**
 * Makes the optimizer of the parameters that learn now: one group, or two if the backbone has a rate of its own, first
 * the backbone, then the last layer.
 */
export function makeOptimizer(model: Classifier, settings: OptimizerSettings): Optimizer {
  const { optimizer, lr, lrBackbone, momentum, weightDecay } = settings;
  const learners = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  const head = model.head.parameters();
  const backbone = learners.filter((parameter) => !head.includes(parameter));
  const parameters =
    lrBackbone === lr || backbone.length === 0
      ? learners
      : [{ parameters: backbone, lr: lrBackbone }, { parameters: head }];
  return optimizer === 'adamw'
    ? new AdamW(parameters, { lr, weightDecay })
    : new SGD(parameters, { lr, momentum, weightDecay });
}

/** Where a batch stands among those that make one step of the optimizer together. */
export interface GroupPlace {
  /** Its share of the pictures of the group. */
  readonly share: number;
  /** Whether it is the last of the group, after which the optimizer steps. */
  readonly updates: boolean;
}

/**
 * The place of a batch of an epoch in its group of `accumulate` batches. The last group may have fewer, and its last batch
 * fewer pictures: the loss of a group is the mean over its pictures all the same.
 * @param step of the batch, from 0
 * @param pictures of the whole epoch
 */
export function groupPlace(
  step: number,
  { pictures, batchSize, accumulate }: { pictures: number; batchSize: number; accumulate: number },
): GroupPlace {
  const first = step - (step % accumulate);
  const end = Math.min(pictures, (first + accumulate) * batchSize);
  const size = Math.min(pictures, (step + 1) * batchSize) - step * batchSize;
  return { share: size / (end - first * batchSize), updates: (step + 1) * batchSize >= end };
}
