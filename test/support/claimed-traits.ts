/** DAWNGRAD_TEST_AS: the traits that all devices of a test run claim. */
import type { AdapterTraits } from '../../src/gpu/gpu.ts';

/** Undefined if devices keep their own traits. */
export function claimedTraits(env: NodeJS.ProcessEnv): Partial<AdapterTraits> | undefined {
  const { DAWNGRAD_TEST_AS: as } = env;
  if (!as) return undefined;
  if (as !== 'gpu' && as !== 'cpu') throw new Error(`DAWNGRAD_TEST_AS is "${as}"; it can be "gpu" or "cpu".`);
  // The tables know this vendor's class. For an adapter without a class, training would first measure kernels.
  return as === 'gpu' ? { kind: as, vendor: 'nvidia' } : { kind: as };
}
