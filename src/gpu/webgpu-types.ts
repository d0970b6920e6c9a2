/**
 * WebGPU's own types, where the program that is compiled against this package has them: in TypeScript 6 and later they
 * come with the library "dom", before that with the package @webgpu/types, and the two cannot be had together. So the
 * package's declarations name neither. Where there are none these are `unknown`, and everything else has its types.
 */

/** The type of the instances of a global class, if there is such a class. */
type Instance<Name extends string> = typeof globalThis extends {
  readonly [N in Name]: { readonly prototype: infer T };
}
  ? T
  : unknown;

/** `GPUDevice` */
export type WebGpuDevice = Instance<'GPUDevice'>;

/** `GPUBuffer` */
export type WebGpuBuffer = Instance<'GPUBuffer'>;

/** `GPUTexture` */
export type WebGpuTexture = Instance<'GPUTexture'>;

/** `GPUAdapter` */
export type WebGpuAdapter = Instance<'GPUAdapter'>;

/** `GPUAdapterInfo` */
export type WebGpuAdapterInfo = Instance<'GPUAdapterInfo'>;
