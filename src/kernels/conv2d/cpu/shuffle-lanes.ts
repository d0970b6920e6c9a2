/** Which adapters can hand a tile's rows round by subgroup shuffles. */
import type { AdapterTraits } from '../../../gpu/gpu.ts';

/** The subgroup size where a tile of 32 rows is a whole number of vec4 loads per lane, else 0: no shuffles. */
export function shuffleLanes(traits: AdapterTraits): number {
  return [4, 8].includes(traits.subgroupSize) ? traits.subgroupSize : 0;
}
