/** The engine's interface for code built on it. */

import './methods.ts';

export { type BackwardOptions, backward } from './backward.ts';
export type { ClassLossOptions } from './class-labels.ts';
export type { Dims } from './dims.ts';
export type { DType, Floating, ValuesOf } from './dtype.ts';
export { type ElementwiseKernel, elementwise } from './elementwise.ts';
export {
  DisposedTensorError,
  DTypeError,
  expectDType,
  expectShape,
  GradientMismatchError,
  GraphError,
  OptionError,
  ShapeError,
  TensorLeakError,
} from './errors.ts';
export {
  checkGradients,
  type DirectionResult,
  type GradientCheckOptions,
  type GradientCheckReport,
} from './gradcheck.ts';
export { graphSize, noGrad, type OpRecord, record, wouldRecord } from './graph.ts';
export { adaptiveAvgPool2d } from './ops/adaptive-avg-pool2d.ts';
export { argmax, argmin } from './ops/argmax.ts';
export { type AvgPoolOptions, avgPool2d } from './ops/avg-pool2d.ts';
export { type BatchNormOptions, batchNorm2d } from './ops/batch-norm2d.ts';
export { type BceWithLogitsOptions, bceWithLogits } from './ops/bce-with-logits.ts';
export { concat, stack } from './ops/concat.ts';
export { type Conv2dOptions, conv2d } from './ops/conv2d.ts';
export { countCorrect } from './ops/correct.ts';
export { type CrossEntropyOptions, checkLabels, crossEntropy } from './ops/cross-entropy.ts';
export { type DropoutMasks, type DropoutOptions, dropout, type RandomWords } from './ops/dropout.ts';
export * from './ops/elementwise.ts';
export { type EmbeddingOptions, embedding } from './ops/embedding.ts';
export { expand } from './ops/expand.ts';
export { flatten } from './ops/flatten.ts';
export { flip } from './ops/flip.ts';
export { globalAvgPool2d } from './ops/global-avg-pool2d.ts';
export { groupNorm } from './ops/group-norm.ts';
export { indexSelect } from './ops/index-select.ts';
export { layerNorm, type NormOptions } from './ops/layer-norm.ts';
export { linear } from './ops/linear.ts';
export { logsumexp } from './ops/logsumexp.ts';
export { type MatmulOptions, matmul } from './ops/matmul.ts';
export { max, min } from './ops/max.ts';
export { type MaxPoolOptions, maxPool2d } from './ops/max-pool2d.ts';
export { type MseOptions, mse } from './ops/mse.ts';
export { nllLoss } from './ops/nll-loss.ts';
export { narrow, type PadOptions, pad } from './ops/pad.ts';
export { permute, transpose } from './ops/permute.ts';
export { reshape } from './ops/reshape.ts';
export { logSoftmax, softmax } from './ops/softmax.ts';
export { squeeze, unsqueeze } from './ops/squeeze.ts';
export { type DepthMode, type StochasticDepthOptions, stochasticDepth } from './ops/stochastic-depth.ts';
export { mean, sum } from './ops/sum.ts';
export { toDType } from './ops/to-dtype.ts';
export type { HeightWidth, Pair } from './options.ts';
export type { ReduceOptions } from './reduced.ts';
export type { Reduction } from './reduction.ts';
export { keep, scope } from './scope.ts';
export { type Shape, sizeOf, Tensor } from './tensor.ts';
export type { HostValues } from './values.ts';
