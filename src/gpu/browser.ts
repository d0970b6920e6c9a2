/** Opens a `Gpu` from `navigator.gpu`, in a page or a worker of a browser. Under Node, `dawn.ts` replaces this file. */
import { type AdapterPreference, isSoftware, requestDevice, traitsOf } from './adapter.ts';
import { NoAdapterError } from './errors.ts';
import { Gpu } from './gpu.ts';
import type { KernelChooser } from './kernel-chooser.ts';

export type { AdapterPreference } from './adapter.ts';

/** Options of `openGpu`. */
export interface OpenOptions {
  /** Which adapter to open. The fastest by default. */
  readonly adapter?: AdapterPreference;
  /** Request WebGPU's default limits and no features, as the least capable device offers. */
  readonly minimal?: boolean;
  /** Allow tensors of type f16 (`Module.half`, `toDType`). Not every adapter can. Off by default. */
  readonly half?: boolean;
  /** Chooses the kernels on this device: a `Chooser`. By default the shipped tables choose. */
  readonly chooser?: KernelChooser | undefined;
}

/**
 * Opens a device. `gpu.close()` frees its memory.
 * @throws NoAdapterError if there is no WebGPU, or no adapter of the requested kind
 * @throws MissingFeatureError if `half` is set and the adapter has no half precision
 */
export async function openGpu(options: OpenOptions = {}): Promise<Gpu> {
  const { navigator } = globalThis as { readonly navigator?: { readonly gpu?: GPU } };
  if (!navigator?.gpu) {
    throw new NoAdapterError(
      'openGpu: there is no WebGPU here (navigator.gpu). It needs a secure page (https or localhost) and a browser ' +
        'that supports it: Chrome or Edge 113, Safari 26, Firefox 141, or later.',
    );
  }
  const adapter = await requestAdapter(navigator.gpu, options.adapter);
  const device = await requestDevice(adapter, options);
  return new Gpu(device, traitsOf(adapter.info, device), { chooser: options.chooser });
}

async function requestAdapter(gpu: GPU, preference: AdapterPreference = 'high-performance'): Promise<GPUAdapter> {
  if (preference === 'software') {
    // The result is null if a software adapter is the only one: it is no fallback for another.
    const fallback = (await gpu.requestAdapter({ forceFallbackAdapter: true })) ?? (await gpu.requestAdapter());
    if (fallback && isSoftware(fallback.info)) return fallback;
    throw new NoAdapterError(
      'openGpu: this browser offers no software adapter. Start Chrome with --enable-unsafe-webgpu ' +
        '--use-webgpu-adapter=swiftshader, or leave the option `adapter` out.',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: preference });
  if (adapter) return adapter;
  throw new NoAdapterError(
    'openGpu: this browser found no WebGPU adapter. Turn on hardware acceleration in its settings, or try another browser; ' +
      'chrome://gpu says why Chrome has none.',
  );
}
