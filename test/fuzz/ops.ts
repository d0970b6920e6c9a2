/** Calls the engine's op that a program names. */
import {
  add,
  batchNorm2d,
  type Conv2dOptions,
  conv2d,
  countCorrect,
  crossEntropy,
  flatten,
  globalAvgPool2d,
  linear,
  maxPool2d,
  noGrad,
  relu,
  type Tensor,
} from '../../src/autograd/index.ts';
import { conv2dBatchNorm2d } from '../../src/autograd/ops/conv2d-batch-norm2d.ts';
import type { Capabilities } from './capabilities.ts';
import type { NormInputs, NormOptions, Op, Window } from './program.ts';

/** Runs an op on the tensors that `get` finds for its names. */
export function runOp(op: Op, get: (name: string) => Tensor, can: Capabilities): Tensor {
  switch (op.op) {
    case 'relu':
      return relu(get(op.input));
    case 'globalAvgPool2d':
      return globalAvgPool2d(get(op.input));
    case 'flatten':
      return flatten(get(op.input));
    case 'view':
      return noGrad(() => get(op.input).view(op.shape));
    case 'add':
      return add(get(op.a), get(op.b));
    case 'conv2d':
      return conv2d(get(op.input), get(op.weight), op.bias === undefined ? undefined : get(op.bias), windowOf(op, can));
    case 'batchNorm2d': {
      const { weight, bias, runningMean, runningVar, options } = normOf(op, get);
      return batchNorm2d(get(op.input), weight, bias, runningMean, runningVar, options);
    }
    case 'conv2dBatchNorm2d': {
      const { options, ...norm } = normOf(op, get);
      return conv2dBatchNorm2d(get(op.input), get(op.kernel), norm, { ...options, ...windowOf(op, can) });
    }
    case 'maxPool2d': {
      const { kernelSize, stride, padding } = op;
      return maxPool2d(get(op.input), { kernelSize, stride, padding });
    }
    case 'linear':
      return linear(get(op.input), get(op.weight), op.bias === undefined ? undefined : get(op.bias));
    case 'crossEntropy':
      return crossEntropy(get(op.logits), labelsOf(get(op.labels)));
    case 'countCorrect':
      return countCorrect(get(op.logits), labelsOf(get(op.labels))) as unknown as Tensor;
  }
}

/** Stride and padding, each as one number if the engine takes that and both directions are equal. */
function windowOf({ stride, padding }: Window, can: Capabilities): Conv2dOptions {
  const alike = can.strideNumbers && stride[0] === stride[1] && padding[0] === padding[1];
  return (alike ? { stride: stride[0], padding: padding[0] } : { stride, padding }) as Conv2dOptions;
}

function normOf(op: NormInputs & NormOptions, get: (name: string) => Tensor) {
  const { training, momentum, eps, relu: withRelu } = op;
  const residual = op.residual === undefined ? undefined : get(op.residual);
  return {
    weight: get(op.weight),
    bias: get(op.bias),
    runningMean: get(op.runningMean),
    runningVar: get(op.runningVar),
    options: { training, momentum, eps, relu: withRelu, residual },
  };
}

/** Programs give all tensors the type of f32 tensors, which labels are not. */
const labelsOf = (labels: Tensor) => labels as unknown as Tensor<'u32'>;
