/**
 * A device for a test file: `const { gpuTest, gpu } = await withGpu();`. It is opened once, with all checks on, and closed
 * after the file's last test. Without an adapter `gpuTest` skips, and says so (see skip.ts).
 */

import { afterAll, afterEach, vi } from 'vitest';
import { type OpenOptions, openGpu } from '../../src/gpu/dawn.ts';
import { MissingFeatureError, NoAdapterError } from '../../src/gpu/errors.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { testChooser } from './force.ts';
import { claim, poison } from './poison.ts';
import { skipUnless } from './skip.ts';

export interface GpuForTests {
  /** Like vitest's `test`; skipped where there is no adapter. */
  readonly gpuTest: ReturnType<typeof skipUnless>;
  /** The file's device. Only to be touched inside `gpuTest`. */
  readonly gpu: Gpu;
}

/**
 * Opens the file's device (where it cannot be had as `options` say, tests skip), if wanted with other traits than it has (see `openAs`) and poisoned (see `poison`). Call it at the
 * top of the file.
 */
export async function withGpu(
  { poisoned, ...options }: OpenOptions & { readonly poisoned?: boolean } = {},
  traits: Partial<AdapterTraits> = {},
): Promise<GpuForTests> {
  let gpu: Gpu;
  try {
    gpu = await openGpu({ chooser: testChooser(), ...options });
  } catch (error) {
    if (!(error instanceof NoAdapterError || error instanceof MissingFeatureError)) throw error;
    return withoutGpu(error.message);
  }
  if (traits.subgroupSize && !gpu.device.features.has('subgroups')) {
    gpu.close();
    return withoutGpu('This adapter has no subgroups.');
  }
  claim(gpu, traits);
  if (poisoned) poison(gpu);
  afterAll(() => gpu.close());
  return { gpuTest: skipUnless(true, ''), gpu };
}

/** Tests that skip, and a device that says so when it is used: not before, for files take it apart from `gpuTest`. */
function withoutGpu(reason: string): GpuForTests {
  const fail = () => {
    throw new Error(`This test needs a device and is not a gpuTest. ${reason}`);
  };
  return {
    gpuTest: skipUnless(false, reason),
    gpu: new Proxy({} as Gpu, { get: fail, set: fail, has: fail, ownKeys: fail }),
  };
}

/** What the adapter is, whatever the whole run claims (DAWNGRAD_TEST_AS): that is how commands that tests spawn see it. */
export async function ownTraits(): Promise<AdapterTraits> {
  const dawn = await vi.importActual<typeof import('../../src/gpu/dawn.ts')>('../../src/gpu/dawn.ts');
  const gpu = await dawn.openGpu();
  gpu.close();
  return gpu.traits;
}

/**
 * A second device that claims other traits than it has, so that the kernels for every kind of adapter are tested on any.
 * Closed after the test.
 */
export async function openAs(traits: Partial<AdapterTraits>, options: OpenOptions = {}): Promise<Gpu> {
  const gpu = await openGpu({ chooser: testChooser(), ...options });
  claim(gpu, traits);
  poison(gpu);
  open.push({ gpu, check: () => true });
  return gpu;
}

/** A change to the text of a shader: the first place where `find` matches is replaced, or all of a global pattern. */
export interface ShaderEdit {
  readonly find: string | RegExp;
  readonly replace: string;
}

/**
 * A second device on which a shader has an error planted in it, to show that a test would see such an error. Throws, when
 * the test ends, if no shader that was compiled had the text to be changed. Closed after the test. May claim other traits
 * than it has, like `openAs`.
 */
export async function openTampered(
  { find, replace }: ShaderEdit,
  traits: Partial<AdapterTraits> = {},
  options: OpenOptions = {},
): Promise<Gpu> {
  const gpu = await openGpu({ chooser: testChooser(), ...options });
  claim(gpu, traits);
  poison(gpu);
  const { device } = gpu;
  const original = device.createShaderModule.bind(device);
  let changed = 0;
  device.createShaderModule = (descriptor) => {
    const code = descriptor.code.replace(find, replace);
    if (code !== descriptor.code) changed++;
    return original({ ...descriptor, code });
  };
  open.push({ gpu, check: () => changed > 0 || `no shader contained ${find}` });
  return gpu;
}

const open: { gpu: Gpu; check: () => true | string }[] = [];

afterEach(() => {
  for (const { gpu, check } of open.splice(0)) {
    gpu.close();
    const result = check();
    if (result !== true) throw new Error(`Nothing was tampered with: ${result}`);
  }
});
