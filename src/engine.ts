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
export { globalAvgPool2d } from './autograd/ops/avg-pool2d.ts';
export { batchNorm2d } from './autograd/ops/batch-norm2d.ts';
export { conv2d } from './autograd/ops/conv2d.ts';
export { countCorrect } from './autograd/ops/correct.ts';
export { crossEntropy } from './autograd/ops/cross-entropy.ts';
export * from './autograd/ops/elementwise.ts';
export { flatten } from './autograd/ops/flatten.ts';
export { linear } from './autograd/ops/linear.ts';
export { maxPool2d } from './autograd/ops/max-pool2d.ts';
export { reshape } from './autograd/ops/reshape.ts';
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
export { BasicBlock, ResNet, resnet18, resnet34 } from './models/index.ts';
export {
  AdaptiveAvgPool2d,
  BatchNorm2d,
  Conv2d,
  Linear,
  MaxPool2d,
  Module,
  pipe,
  ReLU,
  Sequential,
  type StateDict,
  StateDictError,
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
