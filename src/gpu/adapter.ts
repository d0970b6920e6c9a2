/** Requests to an adapter, and facts about it. They are the same for Dawn under Node and for a browser. */
import { MissingFeatureError } from './errors.ts';
import type { AdapterTraits } from './gpu.ts';
import type { WebGpuAdapter, WebGpuAdapterInfo, WebGpuDevice } from './webgpu-types.ts';

/** Which adapter: the fastest, the most economical, or one that computes on the CPU. */
export type AdapterPreference = 'high-performance' | 'low-power' | 'software';

/** Features that kernels or reports use where the adapter has them. */
const WANTED_FEATURES: GPUFeatureName[] = ['subgroups', 'timestamp-query'];

/** The feature for f16 in shaders. A device has it only if `half` asked for it. */
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

/** Options that decide features and limits. */
export interface DeviceOptions {
  /** Ask for WebGPU's default limits and no feature. */
  readonly minimal?: boolean;
  /** Ask for f16 in shaders too. */
  readonly half?: boolean;
}

/**
 * A device with all of an adapter that kernels profit from, unless `minimal`.
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

/** The feature that half precision takes. @throws MissingFeatureError where the adapter does not have it */
export function halfFeatureOf({ features, info }: AdapterFacts): typeof HALF_FEATURE {
  if (features.has(HALF_FEATURE)) return HALF_FEATURE;
  throw new MissingFeatureError(
    `Half precision needs the feature ${HALF_FEATURE}, which the adapter ${JSON.stringify(nameOf(info))} does not have. ` +
      'Go without half precision, or choose another adapter.',
  );
}

/** Browsers keep the description to themselves, and often tell no more than vendor and architecture. */
function nameOf({ description, vendor = '', architecture = '' }: Names): string {
  return description || `${vendor} ${architecture}`.trim();
}

/** Whether an adapter computes on the CPU: it says so, or its driver is known for it. */
export function isSoftware(info: Names & { readonly isFallbackAdapter?: boolean }): boolean {
  return (
    info.isFallbackAdapter === true ||
    /llvmpipe|lavapipe|swiftshader|software|warp|basic render/i.test(`${info.description} ${info.architecture ?? ''}`)
  );
}

/** The traits that kernels are chosen by. */
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
