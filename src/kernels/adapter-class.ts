/** Classifies an adapter by its names. Each shipped table of kernel choices has one entry per class. */
import type { AdapterTraits } from '../gpu/gpu.ts';

/**
 * `lavapipe` and `swiftshader` are software adapters; `software` is any other one. `discrete` adapters have dedicated
 * memory, `integrated` ones share the processor's.
 */
export const ADAPTER_CLASSES = ['lavapipe', 'swiftshader', 'software', 'discrete', 'integrated'] as const;
export type AdapterClass = (typeof ADAPTER_CLASSES)[number];

type Names = Pick<AdapterTraits, 'kind' | 'vendor' | 'architecture' | 'description'>;

/** Vendors, as WebGPU spells them, whose adapters all share the processor's memory. */
const INTEGRATED_VENDORS = new Set(['apple', 'arm', 'broadcom', 'img-tec', 'imagination', 'qualcomm', 'samsung']);

/** Matches processors with a GPU: their drivers report no model, or a model that only processors have. */
const AMD_INTEGRATED = /radeon(\(tm\))? (vega \d+ )?graphics|radeon(\(tm\))? \d{3}m\b|raven|renoir|cezanne|phoenix/i;
const INTEL_DISCRETE = /\barc\b.* [ab]\d{2,3}|\bdg[12]\b|data center gpu/i;

/** Returns the class of an adapter, or undefined for one that no table knows. */
export function adapterClass({ kind, vendor, architecture, description }: Names): AdapterClass | undefined {
  if (kind === 'cpu') {
    if (/llvmpipe|lavapipe/i.test(description)) return 'lavapipe';
    return /swiftshader/i.test(`${architecture} ${description}`) ? 'swiftshader' : 'software';
  }
  if (INTEGRATED_VENDORS.has(vendor)) return 'integrated';
  if (vendor === 'nvidia') return 'discrete';
  if (vendor === 'amd') return AMD_INTEGRATED.test(description) ? 'integrated' : 'discrete';
  if (vendor === 'intel') {
    return /hpg/i.test(architecture) || INTEL_DISCRETE.test(description) ? 'discrete' : 'integrated';
  }
  return undefined;
}
