/**
 * Opens a `Gpu` on Dawn, WebGPU's native implementation (npm `webgpu`). In a browser, `browser.ts` replaces this file.
 *
 * The object that `create()` returns must stay referenced while anything of Dawn is in use. Once it is collected, the
 * process crashes at random, even shortly after a device was destroyed. So this file keeps every such object for good
 * and reuses it for later devices. That does not keep Node from exiting; an open device does.
 */
import { availableParallelism } from 'node:os';
import { create } from 'webgpu';
import { type AdapterPreference, isSoftware, requestDevice, traitsOf } from './adapter.ts';
import { NoAdapterError } from './errors.ts';
import { Gpu } from './gpu.ts';
import type { KernelChooser } from './kernel-chooser.ts';
import { napUntil } from './naps.ts';

export type { AdapterPreference } from './adapter.ts';

/** Options of `openGpu`. */
export interface OpenOptions {
  /** Which adapter to open. The fastest by default. */
  readonly adapter?: AdapterPreference;
  /**
   * Dawn's validation and the shaders' bounds checks. On by default; turn them off only for code known to be correct.
   */
  readonly checks?: boolean;
  /** Request WebGPU's default limits and no features, as the least capable device offers. */
  readonly minimal?: boolean;
  /** Allow tensors of type f16 (`Module.half`, `toDType`). Not every adapter can. Off by default. */
  readonly half?: boolean;
  /** Chooses the kernels on this device: a `Chooser`. By default the shipped tables choose. */
  readonly chooser?: KernelChooser | undefined;
}

/** Dawn's instances by their toggles. `openGpu` refers to this map, which keeps the entries alive. */
const instances = new Map<string, GPU>();

/** lavapipe, the software driver, reads its number of threads from this variable; at most 32. */
const THREADS_VARIABLE = 'LP_NUM_THREADS';

/**
 * Gives lavapipe two threads per core, unless the variable is set. lavapipe divides each dispatch into equal parts
 * among its threads and waits for the last one. By default it has one thread per core. Then any other process that
 * needs a core for a moment delays all threads. With two per core the system evens that out.
 *
 * lavapipe reads the variable when Dawn first lists an instance's adapters. Dawn's binding does that before
 * `requestAdapter` returns its promise. So the variable is set only during the call, and no other JavaScript of this
 * process can see it.
 */
function withDriverThreads<T>(requestAdapter: () => T): T {
  if (process.env[THREADS_VARIABLE] !== undefined) return requestAdapter();
  process.env[THREADS_VARIABLE] = String(Math.min(32, 2 * availableParallelism()));
  try {
    return requestAdapter();
  } finally {
    delete process.env[THREADS_VARIABLE];
  }
}

function dawn(toggles: readonly string[]): GPU {
  const key = toggles.join(' ');
  const instance = instances.get(key) ?? create([...toggles]);
  instances.set(key, instance);
  return instance;
}

/**
 * Opens a device. The caller must close it (`gpu.close()`): Node does not exit before. Globals and environment
 * variables stay unchanged, except for LP_NUM_THREADS while Dawn lists the adapters. Dawn itself may write to stderr.
 * @throws NoAdapterError if no adapter, or none of the requested kind, answers
 * @throws MissingFeatureError if `half` is set and the adapter has no half precision
 */
export async function openGpu(options: OpenOptions = {}): Promise<Gpu> {
  const toggles = ['disable-dawn-features=timestamp_quantization'];
  if (options.checks === false) toggles.push('enable-dawn-features=skip_validation,disable_robustness');
  const instance = dawn(toggles);
  const adapter = await requestAdapter(instance, options.adapter);
  const device = await requestDevice(adapter, options);
  return new Gpu(device, traitsOf(adapter.info, device), { wait: napUntil, chooser: options.chooser });
}

const DOCTOR = '`npx dawngrad doctor` (in a checkout: `npm run doctor`) says what to install on this system.';

async function requestAdapter(instance: GPU, preference?: AdapterPreference): Promise<GPUAdapter> {
  const request = (options?: GPURequestAdapterOptions) => withDriverThreads(() => instance.requestAdapter(options));
  if (preference === 'software') {
    // Some versions return null here although their only adapter is a software one, so ask again without the option.
    const fallback = (await request({ forceFallbackAdapter: true })) ?? (await request());
    if (fallback && isSoftware(fallback.info)) return fallback;
    throw new NoAdapterError(
      'No software WebGPU adapter was found. On Debian or Ubuntu, install mesa-vulkan-drivers (Mesa 24 or later). ' +
        DOCTOR,
    );
  }
  const adapter = await request({ powerPreference: preference ?? 'high-performance' });
  if (adapter) return adapter;
  throw new NoAdapterError(
    'No WebGPU adapter was found. Install a Vulkan driver: your GPU maker’s, or on Debian or Ubuntu mesa-vulkan-drivers ' +
      `(Mesa 24 or later; on Debian 12 from bookworm-backports), which also runs without a GPU. ${DOCTOR}`,
  );
}
