/** dawngrad as a library: the engine, networks, weights, pictures and training. `src/cli` is the same from a terminal. */
export * from './autograd/index.ts';
export * from './data/index.ts';
export { DawngradError, FileError, UsageError } from './errors.ts';
export * from './fetch/index.ts';
export { type AdapterPreference, type OpenOptions, openGpu } from './gpu/dawn.ts';
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
// An op and the layer over it have options of the same name; the layer's is the one that users write.
export type { Conv2dOptions } from './nn/index.ts';
export * from './nn/index.ts';
export * from './predict/index.ts';
export * from './train/index.ts';
export * from './tune/index.ts';
export * from './weights/index.ts';
