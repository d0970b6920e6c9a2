/** Requests a device from an adapter and describes the adapter, for Dawn under Node and for browsers. */
import { MissingFeatureError } from './errors.ts';
import type { AdapterTraits } from './gpu.ts';
import type { WebGpuAdapter, WebGpuAdapterInfo, WebGpuDevice } from './webgpu-types.ts';

/** Which adapter to open: the fastest, the one that saves power, or one that computes on the CPU. */
export type AdapterPreference = 'high-performance' | 'low-power' | 'software';

/** Features that kernels or reports use if the adapter has them. */
const WANTED_FEATURES: GPUFeatureName[] = ['subgroups', 'timestamp-query'];

/** The feature for f16 in shaders. A device has it only if `half` requested it. */
const HALF_FEATURE = 'shader-f16' as const;

/** Limits that kernels benefit from. Each is raised to the adapter's maximum. */
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage',
] as const;

/** Options that decide features and limits. */
export interface DeviceOptions {
  /** Request WebGPU's default limits and no features. */
  readonly minimal?: boolean;
  /** Request f16 in shaders too. */
  readonly half?: boolean;
}

/**
 * Opens a device with every feature and limit that kernels benefit from, unless `minimal` is set.
 * @throws MissingFeatureError if `half` is set and the adapter has no f16
 */
export async function requestDevice(
  adapter: WebGpuAdapter,
  { minimal = false, half = false }: DeviceOptions,
): Promise<WebGpuDevice> {
  const features = minimal ? [] : WANTED_FEATURES.filter((feature) => adapter.features.has(feature));
  if (half) features.push(halfFeatureOf(adapter));
  const limits = minimal ? {} : Object.fromEntries(WANTED_LIMITS.map((name) => [name, adapter.limits[name]]));
  return adapter.requestDevice({ requiredFeatures: features, requiredLimits: limits });
}

/** The part of an adapter that `halfFeatureOf` reads. */
interface AdapterFacts {
  readonly features: { has(name: string): boolean };
  readonly info: Names;
}

interface Names {
  readonly description: string;
  readonly vendor?: string;
  readonly architecture?: string;
}

/** Returns the feature that half precision needs. @throws MissingFeatureError if the adapter lacks it */
export function halfFeatureOf({ features, info }: AdapterFacts): typeof HALF_FEATURE {
  if (features.has(HALF_FEATURE)) return HALF_FEATURE;
  throw new MissingFeatureError(
    `Half precision needs the feature ${HALF_FEATURE}, which the adapter ${JSON.stringify(nameOf(info))} does not have. ` +
      'Turn half precision off, or choose another adapter.',
  );
}

/** Browsers hide the description, and often give only vendor and architecture. */
function nameOf({ description, vendor = '', architecture = '' }: Names): string {
  return description || `${vendor} ${architecture}`.trim();
}

/** Whether an adapter computes on the CPU: it reports so, or its name is that of a known software driver. */
export function isSoftware(info: Names & { readonly isFallbackAdapter?: boolean }): boolean {
  return (
    info.isFallbackAdapter === true ||
    /llvmpipe|lavapipe|swiftshader|software|warp|basic render/i.test(`${info.description} ${info.architecture ?? ''}`)
  );
}

/** The adapter traits that kernel choice depends on. */
export function traitsOf(info: WebGpuAdapterInfo, device: WebGpuDevice): AdapterTraits {
  const fixedSubgroup = device.features.has('subgroups') && info.subgroupMinSize === info.subgroupMaxSize;
  return {
    kind: isSoftware(info) ? 'cpu' : 'gpu',
    subgroupSize: fixedSubgroup ? (info.subgroupMinSize ?? 0) : 0,
    maxWorkgroupStorage: device.limits.maxComputeWorkgroupStorageSize,
    maxInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
    shaderF16: device.features.has(HALF_FEATURE),
    vendor: info.vendor,
    architecture: info.architecture,
    description: nameOf(info),
  };
}
