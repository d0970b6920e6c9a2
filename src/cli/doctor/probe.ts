/** Asks Dawn for adapters, opens a device and computes on it. Runs in its own process: see probe-process.ts. */
import { create } from 'webgpu';
import { isSoftware } from '../../gpu/adapter.ts';
import { type AdapterPreference, openGpu } from '../../gpu/dawn.ts';
import { checkConvolution } from './check.ts';
import type { Answer, FoundAdapter, ProbeMessage } from './types.ts';

/** The request for each kind of adapter. */
const REQUESTS: Readonly<Record<AdapterPreference, GPURequestAdapterOptions>> = {
  'high-performance': { powerPreference: 'high-performance' },
  'low-power': { powerPreference: 'low-power' },
  software: { forceFallbackAdapter: true },
};

/** Dawn's names of the backends that this system may have, most likely first, and their usual names. */
const BACKENDS: readonly (readonly [name: string, shown: string])[] = [
  ...(process.platform === 'darwin' ? ([['metal', 'Metal']] as const) : []),
  ...(process.platform === 'win32' ? ([['d3d12', 'Direct3D 12']] as const) : []),
  ['vulkan', 'Vulkan'],
  ...(process.platform === 'win32' ? ([['d3d11', 'Direct3D 11']] as const) : []),
  ['opengl', 'OpenGL'],
  ['opengles', 'OpenGL ES'],
];

/** Keeps the objects that `create` returns reachable: Dawn dies with them. */
const instances: GPU[] = [];

function dawn(...flags: string[]): GPU {
  const instance = create(flags);
  instances.push(instance);
  return instance;
}

/**
 * @param tell reports each finding at once, because a driver may crash at any later step
 * @throws NoAdapterError if no adapter of the requested kind answers; other errors of Dawn and of the device
 */
export async function probe(preference: AdapterPreference, tell: (message: ProbeMessage) => void): Promise<void> {
  const instance = dawn();
  const answers: Answer[] = [];
  for (const asked of Object.keys(REQUESTS) as AdapterPreference[]) {
    const adapter = await instance.requestAdapter(REQUESTS[asked]);
    // A GPU may answer a request for a software adapter.
    const fits = adapter && (asked !== 'software' || isSoftware(adapter.info));
    answers.push({ asked, found: fits ? await describe(adapter, REQUESTS[asked]) : null });
  }
  tell({ stage: 'adapters', answers });

  const gpu = await openGpu({ adapter: preference });
  tell({ stage: 'device', traits: gpu.traits });
  tell({ stage: 'check', check: await checkConvolution(gpu) });
  gpu.close();
}

async function describe(adapter: GPUAdapter, request: GPURequestAdapterOptions): Promise<FoundAdapter> {
  const { info } = adapter;
  const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = info;
  const features = [...adapter.features].sort();
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[name] = value;
  }
  const hasSubgroups = adapter.features.has('subgroups');
  return {
    vendor,
    architecture,
    device,
    description,
    software: isSoftware(info),
    backend: await backendOf(info, request),
    subgroup: hasSubgroups ? [subgroupMinSize ?? 0, subgroupMaxSize ?? 0] : null,
    features,
    limits,
  };
}

/** WebGPU does not report the backend. So this limits Dawn to one backend after another until it finds the adapter. */
async function backendOf(info: GPUAdapterInfo, request: GPURequestAdapterOptions): Promise<string | null> {
  for (const [name, shown] of BACKENDS) {
    const other = (await dawn(`backend=${name}`).requestAdapter(request))?.info;
    if (other && other.device === info.device && other.description === info.description) return shown;
  }
  return null;
}
