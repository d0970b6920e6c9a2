/**
 * Makes a `Gpu` on Dawn, WebGPU's native implementation (npm `webgpu`). In a browser `browser.ts` takes its place.
 *
 * The object that `create()` returns must stay referenced for as long as anything of Dawn is used: once it is collected,
 * the process dies at random, also shortly after a device was destroyed. So each one made here is kept for good, and used
 * again for later devices. That does not keep Node from exiting; a device that is not closed does.
 */
import { availableParallelism } from 'node:os';
import { create, globals } from 'webgpu';
import { type AdapterPreference, isSoftware, requestDevice, traitsOf } from './adapter.ts';
import { NoAdapterError } from './errors.ts';
import { Gpu } from './gpu.ts';
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
}

/** Dawn by its toggles. `openGpu` refers to it, which is what keeps the entries alive. */
const instances = new Map<string, GPU>();

/**
 * lavapipe, the software driver, divides each dispatch among its threads in equal parts and then waits for the last of them.
 * With its default, a thread for each core, whatever else needs a core for a moment makes all the others wait; with two
 * for each core the system evens that out. 32 are its most. It reads the variable when a device is made.
 */
function giveSoftwareDriverThreads(): void {
  process.env.LP_NUM_THREADS ??= String(Math.min(32, 2 * availableParallelism()));
}

function dawn(toggles: readonly string[]): GPU {
  const key = toggles.join(' ');
  const instance = instances.get(key) ?? create([...toggles]);
  instances.set(key, instance);
  return instance;
}

/**
 * Opens a device. Whoever opens one closes it (`gpu.close()`): until then Node does not exit.
 * @throws NoAdapterError where no adapter, or none of the wanted kind, answers; MissingFeatureError where half precision is
 *   wanted and the adapter has none
 */
export async function openGpu(options: OpenOptions = {}): Promise<Gpu> {
  Object.assign(globalThis, globals);
  giveSoftwareDriverThreads();
  const toggles = ['disable-dawn-features=timestamp_quantization'];
  if (options.checks === false) toggles.push('enable-dawn-features=skip_validation,disable_robustness');
  const instance = dawn(toggles);
  const adapter = await requestAdapter(instance, options.adapter);
  const device = await requestDevice(adapter, options);
  return new Gpu(device, traitsOf(adapter.info, device), napUntil);
}

const DOCTOR = '`npx dawngrad doctor` (in a checkout: `npm run doctor`) says what to install on this system.';

async function requestAdapter(instance: GPU, preference?: AdapterPreference): Promise<GPUAdapter> {
  if (preference === 'software') {
    // Some versions answer null to this although their only adapter is a software one, so ask plainly as well.
    const fallback =
      (await instance.requestAdapter({ forceFallbackAdapter: true })) ?? (await instance.requestAdapter());
    if (fallback && isSoftware(fallback.info)) return fallback;
    throw new NoAdapterError(
      'No software WebGPU adapter was found. On Debian or Ubuntu install mesa-vulkan-drivers (Mesa 24 or later). ' +
        DOCTOR,
    );
  }
  const adapter = await instance.requestAdapter({ powerPreference: preference ?? 'high-performance' });
  if (adapter) return adapter;
  throw new NoAdapterError(
    'No WebGPU adapter was found. Install a Vulkan driver: your GPU maker’s, or on Debian or Ubuntu mesa-vulkan-drivers ' +
      `(Mesa 24 or later; on Debian 12 from bookworm-backports), which also runs without a GPU. ${DOCTOR}`,
  );
}
