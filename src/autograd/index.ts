/** The engine's interface for code built on it. */

import './methods.ts';

export { type BackwardOptions, backward } from './backward.ts';
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
export { globalAvgPool2d } from './ops/avg-pool2d.ts';
export { type BatchNormOptions, batchNorm2d } from './ops/batch-norm2d.ts';
export { type Conv2dOptions, conv2d } from './ops/conv2d.ts';
export { countCorrect } from './ops/correct.ts';
export { checkLabels, crossEntropy } from './ops/cross-entropy.ts';
export * from './ops/elementwise.ts';
export { flatten } from './ops/flatten.ts';
export { linear } from './ops/linear.ts';
export { type MaxPoolOptions, maxPool2d } from './ops/max-pool2d.ts';
export { reshape } from './ops/reshape.ts';
export { toDType } from './ops/to-dtype.ts';
export type { HeightWidth, Pair } from './options.ts';
export { keep, scope } from './scope.ts';
export { type Shape, sizeOf, Tensor } from './tensor.ts';
export type { HostValues } from './values.ts';
