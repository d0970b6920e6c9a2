/** What is asked of an adapter, and what is known of it, whoever implements WebGPU: Dawn under Node, or a browser. */
import { MissingFeatureError } from './errors.ts';
import type { AdapterTraits } from './gpu.ts';
import type { WebGpuAdapter, WebGpuAdapterInfo, WebGpuDevice } from './webgpu-types.ts';

/** Which adapter: the fastest, the most economical, or one that computes on the CPU. */
export type AdapterPreference = 'high-performance' | 'low-power' | 'software';

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

/** What a device is asked for. */
export interface DeviceOptions {
  /** WebGPU's default limits and no feature that is only useful. */
  readonly minimal?: boolean;
  /** What half precision takes. */
  readonly half?: boolean;
}

/**
 * A device with all of an adapter that kernels profit from, unless `minimal`.
 * @throws MissingFeatureError where half precision is wanted and the adapter has none
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

/** What is looked at of an adapter. */
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

/** What kernels are chosen by. */
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
