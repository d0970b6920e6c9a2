/** Adapters that are not there, for what only needs to be recorded. */
import type { AdapterTraits } from '../../src/gpu/gpu.ts';

const shared = {
  ...{ maxWorkgroupStorage: 32768, maxInvocations: 1024, shaderF16: false },
  ...{ vendor: '', architecture: '', description: '' },
};

export const CPU: AdapterTraits = { kind: 'cpu', subgroupSize: 8, ...shared };
export const GPU: AdapterTraits = { kind: 'gpu', subgroupSize: 32, ...shared };
