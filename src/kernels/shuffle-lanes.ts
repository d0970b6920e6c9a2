/** Selects adapters that can share a tile's rows by subgroup shuffles. */
import type { AdapterTraits } from '../gpu/gpu.ts';

/** Returns the subgroup size if a tile of 32 rows is a whole number of vec4 loads per lane, else 0: no shuffles. */
export function shuffleLanes(traits: AdapterTraits): number {
  return [4, 8].includes(traits.subgroupSize) ? traits.subgroupSize : 0;
}
