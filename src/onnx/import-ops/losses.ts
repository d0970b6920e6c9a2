/** Losses of class indices. */
import type { Tensor } from '../../autograd/index.ts';
import * as ops from '../../autograd/index.ts';
import type { Call, Op } from '../call.ts';

export const LOSSES: Readonly<Record<string, Op>> = {
  NegativeLogLikelihoodLoss: (call) => {
    const { labels, options } = lossOf(call);
    return ops.nllLoss(call.float(0), labels, options);
  },
  SoftmaxCrossEntropyLoss: (call) => {
    const { labels, options } = lossOf(call);
    const loss = ops.crossEntropy(call.float(0), labels, options);
    return call.outputs > 1 ? [loss, ops.logSoftmax(call.float(0), 1)] : loss;
  },
};

/** Labels are u32 here, so a negative ignored label becomes the first number that is no class. */
function lossOf(call: Call): { labels: Tensor<'u32'>; options: ops.CrossEntropyOptions } {
  const classes = call.float(0).shape[1]!;
  const ignored = call.number('ignore_index', Number.NaN);
  const ignoreIndex = ignored < 0 ? classes : ignored;
  const labels = call.numbers(1).map((label) => (label === ignored ? ignoreIndex : label));
  const weight = call.optional(2);
  return {
    labels: ops.Tensor.from(call.gpu, Uint32Array.from(labels), call.value(1).shape),
    options: {
      reduction: call.text('reduction', 'mean') as 'none' | 'mean' | 'sum',
      ...(weight && { weight }),
      ...(!Number.isNaN(ignored) && { ignoreIndex }),
    },
  };
}
