/**
 * WebGPU's own types, if the program that is compiled against this package has them. In TypeScript 6 and later they are
 * in the library "dom"; before that, in the package @webgpu/types. A program cannot have both, so the package's
 * declarations name neither. If both are missing, these types are `unknown`, and everything else keeps its types.
 */

/** The type of the instances of a global class; unknown if there is no such class. */
type Instance<Name extends string> = typeof globalThis extends {
  readonly [N in Name]: { readonly prototype: infer T };
}
  ? T
  : unknown;

/** `GPUDevice` */
export type WebGpuDevice = Instance<'GPUDevice'>;

/** `GPUBuffer` */
export type WebGpuBuffer = Instance<'GPUBuffer'>;

/** `GPUCommandEncoder` */
export type WebGpuCommandEncoder = Instance<'GPUCommandEncoder'>;

/** `GPUTexture` */
export type WebGpuTexture = Instance<'GPUTexture'>;

/** `GPUAdapter` */
export type WebGpuAdapter = Instance<'GPUAdapter'>;

/** `GPUAdapterInfo` */
export type WebGpuAdapterInfo = Instance<'GPUAdapterInfo'>;
