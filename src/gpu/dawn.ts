/**
 * Makes a `Gpu` on Dawn, WebGPU's native implementation (npm `webgpu`). The only file of the engine that knows Dawn or
 * Node; in a browser its place is taken by `navigator.gpu`.
 *
 * The object that `create()` returns must stay referenced for as long as anything of Dawn is used: once it is collected,
 * the process dies at random, also shortly after a device was destroyed. So each one made here is kept for good, and used
 * again for later devices. That does not keep Node from exiting; a device that is not closed does.
 */
import { availableParallelism } from 'node:os';
import { create } from 'webgpu';
import { MissingFeatureError, NoAdapterError } from './errors.ts';
import { type AdapterTraits, Gpu } from './gpu.ts';
import type { KernelChooser } from './kernel-chooser.ts';
import { napUntil } from './naps.ts';

/** Which adapter: the fastest, the most economical, or one that computes on the CPU. */
export type AdapterPreference = 'high-performance' | 'low-power' | 'software';

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

/** Features that kernels or reports use where the adapter has them. */
const WANTED_FEATURES: GPUFeatureName[] = ['subgroups', 'timestamp-query'];

/** What f16 in shaders takes. A device has it only where somebody asked for half precision. */
const HALF_FEATURE = 'shader-f16' as const;

/** Limits that kernels profit from; all are raised to what the adapter offers. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage',
] as const;

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
  const features = options.minimal ? [] : WANTED_FEATURES.filter((feature) => adapter.features.has(feature));
  if (options.half) features.push(halfFeatureOf(adapter));
  const limits = options.minimal ? {} : Object.fromEntries(WANTED_LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({
    requiredFeatures: features,
    requiredLimits: limits,
  });
  return new Gpu(device, traitsOf(adapter, device), { wait: napUntil, chooser: options.chooser });
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

/** What is looked at of an adapter. */
interface AdapterFacts {
  readonly features: { has(name: string): boolean };
  readonly info: { readonly description: string };
}

/** The feature that half precision takes. @throws MissingFeatureError where the adapter does not have it */
export function halfFeatureOf({ features, info }: AdapterFacts): typeof HALF_FEATURE {
  if (features.has(HALF_FEATURE)) return HALF_FEATURE;
  throw new MissingFeatureError(
    `Half precision needs the feature ${HALF_FEATURE}, which the adapter ${JSON.stringify(info.description)} does not have. ` +
      'Go without half precision, or choose another adapter.',
  );
}

/** Whether an adapter computes on the CPU: it says so, or its driver is known for it. */
export function isSoftware(info: { readonly isFallbackAdapter: boolean; readonly description: string }): boolean {
  return info.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|software|warp|basic render/i.test(info.description);
}

function traitsOf(adapter: GPUAdapter, device: GPUDevice): AdapterTraits {
  const { info } = adapter;
  const fixedSubgroup = device.features.has('subgroups') && info.subgroupMinSize === info.subgroupMaxSize;
  return {
    kind: isSoftware(info) ? 'cpu' : 'gpu',
    subgroupSize: fixedSubgroup ? (info.subgroupMinSize ?? 0) : 0,
    maxWorkgroupStorage: device.limits.maxComputeWorkgroupStorageSize,
    maxInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
    shaderF16: device.features.has(HALF_FEATURE),
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
  };
}
