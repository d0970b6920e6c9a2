/**
 * Makes a `Gpu` on Dawn, WebGPU's native implementation (npm `webgpu`). In a browser `browser.ts` takes its place.
 *
 * The object that `create()` returns must stay referenced for as long as anything of Dawn is used: once it is collected,
 * the process dies at random, also shortly after a device was destroyed. So each one made here is kept for good, and used
 * again for later devices. That does not keep Node from exiting; a device that is not closed does.
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
  /** Which adapter to ask for; without it, the fastest there is. */
  readonly adapter?: AdapterPreference;
  /** Dawn's validation and the shaders' bounds checks. On by default; a run that is known to be right may go without. */
  readonly checks?: boolean;
  /** Ask for WebGPU's default limits and no feature at all, as the least capable device would offer. */
  readonly minimal?: boolean;
  /** Open it for tensors of type f16 (`Module.half`, `toDType`), which not every adapter can. Off by default. */
  readonly half?: boolean;
  /** What chooses kernels on the device: a `Chooser`. Without one the shipped tables do. */
  readonly chooser?: KernelChooser | undefined;
}

/** Dawn by its toggles. `openGpu` refers to it, which is what keeps the entries alive. */
const instances = new Map<string, GPU>();

/** lavapipe, the software driver, takes the number of its threads from this variable, at most 32. */
const THREADS_VARIABLE = 'LP_NUM_THREADS';

/**
 * Gives lavapipe two threads for each core, unless the variable is set. It divides each dispatch among its threads in equal
 * parts and waits for the last of them. With its default, a thread for each core, whatever else needs a core for a moment
 * makes all the others wait; with two the system evens that out.
 *
 * lavapipe reads the variable when Dawn first lists an instance's adapters. Dawn's binding does that before `requestAdapter`
 * returns its promise. So the variable is set only during the call, which no other JavaScript of this process can see.
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
 * Opens a device. Whoever opens one closes it (`gpu.close()`): until then Node does not exit. Globals and environment
 * variables stay as they are, except for LP_NUM_THREADS while Dawn lists the adapters. Dawn itself may write to stderr.
 * @throws NoAdapterError where no adapter, or none of the wanted kind, answers; MissingFeatureError where half precision is
 *   wanted and the adapter has none
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
    // Some versions answer null to this although their only adapter is a software one, so ask plainly as well.
    const fallback = (await request({ forceFallbackAdapter: true })) ?? (await request());
    if (fallback && isSoftware(fallback.info)) return fallback;
    throw new NoAdapterError(
      'No software WebGPU adapter was found. On Debian or Ubuntu install mesa-vulkan-drivers (Mesa 24 or later). ' +
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
