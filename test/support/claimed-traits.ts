/** What the devices of a whole test run claim to be: DAWNGRAD_TEST_AS. */
import type { AdapterTraits } from '../../src/gpu/gpu.ts';

/** Undefined where they are to be what they are. */
export function claimedTraits(env: NodeJS.ProcessEnv): Partial<AdapterTraits> | undefined {
  const { DAWNGRAD_TEST_AS: as } = env;
  if (!as) return undefined;
  if (as !== 'gpu' && as !== 'cpu') throw new Error(`DAWNGRAD_TEST_AS is "${as}"; it can be "gpu" or "cpu".`);
  // With a vendor whose class the tables know: on an adapter of no class, training measures first and then chooses.
  return as === 'gpu' ? { kind: as, vendor: 'nvidia' } : { kind: as };
}
