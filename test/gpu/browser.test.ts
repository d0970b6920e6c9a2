/** Opening a device by `navigator.gpu`: the requests, and the traits derived from a stand-in's answers. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openGpu } from '../../src/gpu/browser.ts';
import { MissingFeatureError, NoAdapterError } from '../../src/gpu/errors.ts';

afterEach(() => vi.unstubAllGlobals());

/** Chromium's report about SwiftShader: its description is empty. */
const MASKED = {
  ...{ vendor: 'google', architecture: 'swiftshader', device: '', description: '', isFallbackAdapter: true },
  ...{ subgroupMinSize: 4, subgroupMaxSize: 4 },
};
const LIMITS = {
  maxBufferSize: 2 ** 30,
  maxStorageBufferBindingSize: 2 ** 30,
  maxComputeInvocationsPerWorkgroup: 512,
  maxComputeWorkgroupSizeX: 512,
  maxComputeWorkgroupStorageSize: 32768,
  maxStorageBuffersPerShaderStage: 10,
};
const DEFAULT_LIMITS = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupStorageSize: 16384 };

/** A browser with one adapter, which records the requests. */
function browser(info: Partial<typeof MASKED> = {}, answers: (options: object) => boolean = () => true) {
  const asked: { adapters: object[]; devices: GPUDeviceDescriptor[] } = { adapters: [], devices: [] };
  const adapter = {
    info: { ...MASKED, ...info },
    features: new Set(['subgroups', 'timestamp-query', 'depth-clip-control']),
    limits: LIMITS,
    requestDevice: async (descriptor: GPUDeviceDescriptor) => {
      asked.devices.push(descriptor);
      return {
        features: new Set(descriptor.requiredFeatures),
        limits: { ...DEFAULT_LIMITS, ...descriptor.requiredLimits },
        lost: new Promise(() => {}),
        addEventListener: () => {},
      };
    },
  };
  const requestAdapter = async (options: object = {}) => {
    asked.adapters.push(options);
    return answers(options) ? adapter : null;
  };
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  return asked;
}

describe('openGpu by navigator.gpu', () => {
  test('requests all that kernels profit from, and recognises the adapter by what the browser reports', async () => {
    const asked = browser();
    const { traits } = await openGpu();
    expect(asked.adapters).toEqual([{ powerPreference: 'high-performance' }]);
    expect(asked.devices).toEqual([{ requiredFeatures: ['subgroups', 'timestamp-query'], requiredLimits: LIMITS }]);
    expect(traits).toEqual({
      kind: 'cpu',
      subgroupSize: 4,
      maxWorkgroupStorage: 32768,
      maxInvocations: 512,
      shaderF16: false,
      vendor: 'google',
      architecture: 'swiftshader',
      description: 'google swiftshader',
    });
  });

  test('tells a GPU from a CPU where the browser does not report a fallback adapter', async () => {
    browser({ isFallbackAdapter: false });
    expect((await openGpu()).traits.kind).toBe('cpu');
    browser({
      isFallbackAdapter: false,
      vendor: 'nvidia',
      architecture: 'ada',
      subgroupMinSize: 32,
      subgroupMaxSize: 32,
    });
    expect((await openGpu()).traits).toMatchObject({ kind: 'gpu', subgroupSize: 32, description: 'nvidia ada' });
    // The browser reports a range of sizes, so none is certain.
    browser({ vendor: 'intel', subgroupMinSize: 8, subgroupMaxSize: 32 });
    expect((await openGpu()).traits.subgroupSize).toBe(0);
  });

  test('requests nothing with `minimal`', async () => {
    const asked = browser();
    const { traits } = await openGpu({ minimal: true, adapter: 'low-power' });
    expect(asked.adapters).toEqual([{ powerPreference: 'low-power' }]);
    expect(asked.devices).toEqual([{ requiredFeatures: [], requiredLimits: {} }]);
    expect(traits).toMatchObject({ subgroupSize: 0, maxInvocations: 256, maxWorkgroupStorage: 16384 });
  });

  test('finds a software adapter if it is the only adapter', async () => {
    const asked = browser({}, (options) => !('forceFallbackAdapter' in options));
    expect((await openGpu({ adapter: 'software' })).traits.kind).toBe('cpu');
    expect(asked.adapters).toEqual([{ forceFallbackAdapter: true }, {}]);
  });

  test('says what to do where there is no adapter, no WebGPU or no f16', async () => {
    browser({}, () => false);
    await expect(openGpu()).rejects.toThrow(/^openGpu: this browser found no WebGPU adapter\. Turn on/);
    browser({ isFallbackAdapter: false, architecture: 'ada' });
    const software = openGpu({ adapter: 'software' });
    await expect(software).rejects.toThrow(NoAdapterError);
    await expect(software).rejects.toThrow(/offers no software adapter.*leave the option `adapter` out/);
    browser();
    const half = openGpu({ half: true });
    await expect(half).rejects.toThrow(MissingFeatureError);
    await expect(half).rejects.toThrow('the adapter "google swiftshader" does not have');
    vi.stubGlobal('navigator', {});
    await expect(openGpu()).rejects.toThrow(/^openGpu: there is no WebGPU here/);
  });
});
