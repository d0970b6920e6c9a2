/**
 * `dawngrad/engine`: tensors, ops, layers, networks and optimizers, without files, pictures or the command line. This
 * is the entry for browsers: it imports nothing from Node and compiles no code from text. Under Node, `engine-node.ts`
 * offers the same, and Dawn opens the device.
 *
 * @module dawngrad/engine
 */

import './autograd/methods.ts';

export { backward } from './autograd/backward.ts';
export type { DType } from './autograd/dtype.ts';
export { elementwise } from './autograd/elementwise.ts';
export {
  DisposedTensorError,
  DTypeError,
  expectShape,
  GradientMismatchError,
  GraphError,
  OptionError,
  ShapeError,
  TensorLeakError,
} from './autograd/errors.ts';
export { checkGradients } from './autograd/gradcheck.ts';
export { noGrad, type OpRecord, record } from './autograd/graph.ts';
export { adaptiveAvgPool2d } from './autograd/ops/adaptive-avg-pool2d.ts';
export { argmax, argmin } from './autograd/ops/argmax.ts';
export { avgPool2d } from './autograd/ops/avg-pool2d.ts';
export { batchNorm2d } from './autograd/ops/batch-norm2d.ts';
export { bceWithLogits } from './autograd/ops/bce-with-logits.ts';
export { concat, stack } from './autograd/ops/concat.ts';
export { conv2d } from './autograd/ops/conv2d.ts';
export { countCorrect } from './autograd/ops/correct.ts';
export { checkLabels, crossEntropy } from './autograd/ops/cross-entropy.ts';
export { dropout } from './autograd/ops/dropout.ts';
export * from './autograd/ops/elementwise.ts';
export { embedding } from './autograd/ops/embedding.ts';
export { expand } from './autograd/ops/expand.ts';
export { flatten } from './autograd/ops/flatten.ts';
export { flip } from './autograd/ops/flip.ts';
export { globalAvgPool2d } from './autograd/ops/global-avg-pool2d.ts';
export { groupNorm } from './autograd/ops/group-norm.ts';
export { indexSelect } from './autograd/ops/index-select.ts';
export { layerNorm } from './autograd/ops/layer-norm.ts';
export { linear } from './autograd/ops/linear.ts';
export { logsumexp } from './autograd/ops/logsumexp.ts';
export { matmul } from './autograd/ops/matmul.ts';
export { max, min } from './autograd/ops/max.ts';
export { maxPool2d } from './autograd/ops/max-pool2d.ts';
export { mse } from './autograd/ops/mse.ts';
export { nllLoss } from './autograd/ops/nll-loss.ts';
export { narrow, pad } from './autograd/ops/pad.ts';
export { permute, transpose } from './autograd/ops/permute.ts';
export { reshape } from './autograd/ops/reshape.ts';
export { logSoftmax, softmax } from './autograd/ops/softmax.ts';
export { squeeze, unsqueeze } from './autograd/ops/squeeze.ts';
export { stochasticDepth } from './autograd/ops/stochastic-depth.ts';
export { mean, sum } from './autograd/ops/sum.ts';
export { toDType } from './autograd/ops/to-dtype.ts';
export { keep, scope } from './autograd/scope.ts';
export { type Shape, Tensor } from './autograd/tensor.ts';
export { DawngradError } from './errors.ts';
export { type OpenOptions, openGpu } from './gpu/browser.ts';
export {
  DeviceLostError,
  DeviceMismatchError,
  GpuError,
  MissingFeatureError,
  NoAdapterError,
  OutOfMemoryError,
} from './gpu/errors.ts';
export { Gpu } from './gpu/gpu.ts';
export { Chooser } from './kernels/chooser.ts';
export { linearGrid } from './kernels/grid.ts';
export { defineKernel, launch } from './kernels/kernel.ts';
export {
  BasicBlock,
  Classifier,
  classifier,
  gradCam,
  ResNet,
  resnet18,
  resnet34,
} from './models/index.ts';
export {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Embedding,
  GroupNorm,
  LayerNorm,
  Linear,
  MaxPool2d,
  Module,
  pipe,
  ReLU,
  Sequential,
  type StateDict,
  StateDictError,
  StochasticDepth,
} from './nn/index.ts';
export {
  Adam,
  AdamW,
  CosineAnnealingLR,
  clipGradNorm,
  LambdaLR,
  LinearWarmup,
  MultiStepLR,
  OneCycleLR,
  type Optimizer,
  SGD,
  StepLR,
} from './optim/index.ts';
export { Generator } from './random/mt19937.ts';
