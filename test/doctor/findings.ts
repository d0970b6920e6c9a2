/** Possible findings of the doctor, for tests of its conclusions. */
import type { CheckResult, FoundAdapter, Host, Probe } from '../../src/cli/doctor/types.ts';
import type { AdapterTraits } from '../../src/gpu/gpu.ts';

export const ADAPTER: FoundAdapter = {
  vendor: 'acme',
  architecture: 'roadrunner',
  device: '0x1234',
  description: 'Acme driver 12.3',
  software: false,
  backend: 'Vulkan',
  subgroup: [8, 32],
  features: ['shader-f16', 'subgroups'],
  limits: { maxBufferSize: 2 ** 32, maxComputeInvocationsPerWorkgroup: 1024, maxBindGroups: 4 },
};

export const SOFTWARE: FoundAdapter = {
  ...ADAPTER,
  description: 'llvmpipe: Mesa 25',
  device: 'llvmpipe',
  software: true,
};

export const TRAITS: AdapterTraits = {
  kind: 'gpu',
  subgroupSize: 0,
  maxWorkgroupStorage: 32768,
  maxInvocations: 1024,
  shaderF16: false,
  vendor: 'acme',
  architecture: 'roadrunner',
  description: 'Acme driver 12.3',
};

export const CHECK: CheckResult = {
  what: 'convolution of something',
  values: 100,
  wrong: 0,
  firstWrong: null,
  ms: 1234,
  kernels: { 'conv2d forward 1x2': 'tiled', 'conv2d inputGrad 1x2': 'tiled', 'conv2d weightGrad 1x2': 'rows' },
};

export const PROBE: Probe = {
  answers: [
    { asked: 'high-performance', found: ADAPTER },
    { asked: 'low-power', found: ADAPTER },
    { asked: 'software', found: SOFTWARE },
  ],
  traits: TRAITS,
  check: CHECK,
  failure: null,
  log: [],
};

export const NOTHING: Probe = {
  answers: [
    { asked: 'high-performance', found: null },
    { asked: 'low-power', found: null },
    { asked: 'software', found: null },
  ],
  traits: null,
  check: null,
  failure: 'No WebGPU adapter was found.',
  log: ['Found no drivers!'],
};

export const HOST: Host = {
  system: 'Debian GNU/Linux 13 (trixie)',
  platform: 'linux-x64',
  versions: { node: '22.1.0', dawngrad: '1.2.3', webgpu: '0.6.2', sharp: '0.35.0', libvips: '8.18.0' },
  picturesFailure: null,
  cores: 2,
  memory: { total: 16 * 2 ** 30, free: 2 ** 30, limit: null },
  variables: [],
  caches: [
    { what: 'downloads', path: '/home/ada/.cache/dawngrad', bytes: null },
    { what: 'compiled shaders', path: '/var/cache/mesa', bytes: 3 * 2 ** 20 },
  ],
};
