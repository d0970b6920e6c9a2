/**
 * `dawngrad/engine`: all that computes, and nothing of files, pictures or the command line. This is the entry for browsers; it
 * imports nothing of Node and makes no code of text. `engine-node.ts` is the same under Node, where Dawn opens the device.
 */
export * from './autograd/index.ts';
export { DawngradError } from './errors.ts';
export { type AdapterPreference, type OpenOptions, openGpu } from './gpu/browser.ts';
export {
  DeviceLostError,
  DeviceMismatchError,
  GpuError,
  MissingFeatureError,
  NoAdapterError,
  OutOfMemoryError,
} from './gpu/errors.ts';
export {
  type Access,
  type AdapterTraits,
  type Dispatch,
  Gpu,
  type GpuOptions,
  type Program,
  type Readback,
} from './gpu/gpu.ts';
export type { KernelChooser } from './gpu/kernel-chooser.ts';
export type { BufferPool, Pooled, PooledBuffer, PooledTexture } from './gpu/pool.ts';
export type { KernelTiming } from './gpu/timing.ts';
export { Chooser, type ChooserSettings, chooserOf, type TunableWork } from './kernels/chooser.ts';
export { linearGrid, stridingGrid } from './kernels/grid.ts';
export {
  type Constants,
  defineKernel,
  type InlineKernel,
  type Kernel,
  type Launch,
  launch,
  type Scalar,
} from './kernels/kernel.ts';
export type { TunedChoices, Work } from './kernels/work.ts';
export * from './models/index.ts';
// An op and the layer over it have options of the same name; the layer's is the one that users write.
export type { Conv2dOptions } from './nn/index.ts';
export * from './nn/index.ts';
export { Generator } from './random/mt19937.ts';
