/** Modules and their state. Other folders import from this file. */

export { AdaptiveAvgPool2d } from './adaptive-avg-pool2d.ts';
export { AvgPool2d, type AvgPool2dOptions } from './avg-pool2d.ts';
export { BatchNorm2d, type BatchNorm2dOptions } from './batch-norm2d.ts';
export { Conv2d, type Conv2dOptions } from './conv2d.ts';
export { Dropout, type DropoutModuleOptions } from './dropout.ts';
export { Embedding, type EmbeddingModuleOptions } from './embedding.ts';
export { plus, type Step } from './fuse.ts';
export { GroupNorm, type GroupNormOptions } from './group-norm.ts';
export { type Init, kaimingNormalFanOut, type RandomSource } from './init.ts';
export { LayerNorm, type LayerNormOptions } from './layer-norm.ts';
export { LayerNorm2d } from './layer-norm2d.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { MaxPool2d, type MaxPool2dOptions } from './max-pool2d.ts';
export { type AnyModule, Module } from './module.ts';
export { pipe } from './pipe.ts';
export { ReLU } from './relu.ts';
export { Sequential } from './sequential.ts';
export {
  Counter,
  checkState,
  type ExportedEntry,
  type HostEntry,
  type LoadOptions,
  type LoadReport,
  loadState,
  readState,
  type StateDict,
  StateDictError,
  type StateEntry,
} from './state-dict.ts';
export { StochasticDepth, type StochasticDepthModuleOptions } from './stochastic-depth.ts';
