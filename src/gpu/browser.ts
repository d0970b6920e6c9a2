/** Makes a `Gpu` where WebGPU is `navigator.gpu`: in a page or a worker of a browser. Under Node `dawn.ts` takes its place. */
import { type AdapterPreference, isSoftware, requestDevice, traitsOf } from './adapter.ts';
import { NoAdapterError } from './errors.ts';
import { Gpu } from './gpu.ts';
import type { KernelChooser } from './kernel-chooser.ts';

export type { AdapterPreference } from './adapter.ts';

/** Options of `openGpu`. */
export interface OpenOptions {
  /** Which adapter to ask for; without it, the fastest there is. */
  readonly adapter?: AdapterPreference;
  /** Ask for WebGPU's default limits and no feature at all, as the least capable device would offer. */
  readonly minimal?: boolean;
  /** Open it for tensors of type f16 (`Module.half`, `toDType`), which not every adapter can. Off by default. */
  readonly half?: boolean;
  /** What chooses kernels on the device: a `Chooser`. Without one the shipped tables do. */
  readonly chooser?: KernelChooser | undefined;
}

/**
 * Opens a device. `gpu.close()` gives its memory back.
 * @throws NoAdapterError where there is no WebGPU, or no adapter of the kind asked for; MissingFeatureError where the adapter has
 *   no half precision and `half` asks for it
 */
export async function openGpu(options: OpenOptions = {}): Promise<Gpu> {
  const { navigator } = globalThis as { readonly navigator?: { readonly gpu?: GPU } };
  if (!navigator?.gpu) {
    throw new NoAdapterError(
      'openGpu: there is no WebGPU here (navigator.gpu). It needs a secure page (https or localhost) and a browser that has it: ' +
        'Chrome or Edge 113, Safari 26, Firefox 141, or later.',
    );
  }
  const adapter = await requestAdapter(navigator.gpu, options.adapter);
  const device = await requestDevice(adapter, options);
  return new Gpu(device, traitsOf(adapter.info, device), { chooser: options.chooser });
}

async function requestAdapter(gpu: GPU, preference: AdapterPreference = 'high-performance'): Promise<GPUAdapter> {
  if (preference === 'software') {
    // null where a software adapter is the only one, and so no fallback of another.
    const fallback = (await gpu.requestAdapter({ forceFallbackAdapter: true })) ?? (await gpu.requestAdapter());
    if (fallback && isSoftware(fallback.info)) return fallback;
    throw new NoAdapterError(
      'openGpu: this browser offers no software adapter. Chrome has one where it is started with --enable-unsafe-webgpu ' +
        '--use-webgpu-adapter=swiftshader. Or leave the option `adapter` out.',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: preference });
  if (adapter) return adapter;
  throw new NoAdapterError(
    'openGpu: this browser found no WebGPU adapter. Turn on hardware acceleration in its settings, or try another browser; ' +
      'chrome://gpu tells why Chrome has none.',
  );
}
