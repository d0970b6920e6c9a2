/**
 * A device for a test file: `const { gpuTest, gpu } = await withGpu();`. It is opened once, with all checks on, and
 * closed after the file's last test. Without an adapter `gpuTest` skips, and says so (see skip.ts).
 */

import { afterAll, afterEach, vi } from 'vitest';
import { type OpenOptions, openGpu } from '../../src/gpu/dawn.ts';
import { MissingFeatureError, NoAdapterError } from '../../src/gpu/errors.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { testChooser } from './force.ts';
import { claim, poison } from './poison.ts';
import { skipUnless } from './skip.ts';

export interface GpuForTests {
  /** Like vitest's `test`, but skipped if there is no adapter. */
  readonly gpuTest: ReturnType<typeof skipUnless>;
  /** The file's device. Use it only inside `gpuTest`. */
  readonly gpu: Gpu;
}

/**
 * Opens the file's device, optionally with claimed `traits` (see `openAs`) and `poisoned` memory (see `poison`). Tests
 * skip if the adapter cannot give a device with `options`. Call this at the top of the file.
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

/** Tests that skip, and a device that throws on first use, because files may name it outside `gpuTest`. */
function withoutGpu(reason: string): GpuForTests {
  const fail = () => {
    throw new Error(`This test needs a device and is not a gpuTest. ${reason}`);
  };
  return {
    gpuTest: skipUnless(false, reason),
    gpu: new Proxy({} as Gpu, { get: fail, set: fail, has: fail, ownKeys: fail }),
  };
}

/** The adapter's real traits, ignoring DAWNGRAD_TEST_AS. Commands that tests spawn see these. */
export async function ownTraits(): Promise<AdapterTraits> {
  const dawn = await vi.importActual<typeof import('../../src/gpu/dawn.ts')>('../../src/gpu/dawn.ts');
  const gpu = await dawn.openGpu();
  gpu.close();
  return gpu.traits;
}

/**
 * Opens a second device that claims `traits`, so that the kernels for every kind of adapter can be tested on any
 * adapter. It is closed after the test.
 */
export async function openAs(traits: Partial<AdapterTraits>, options: OpenOptions = {}): Promise<Gpu> {
  const gpu = await openGpu({ chooser: testChooser(), ...options });
  claim(gpu, traits);
  poison(gpu);
  open.push({ gpu, check: () => true });
  return gpu;
}

/** A change to the text of a shader. It replaces the first match of `find`, or every match of a global pattern. */
export interface ShaderEdit {
  readonly find: string | RegExp;
  readonly replace: string;
}

/**
 * Opens a second device with an error planted in a shader, to show that a test would see such an error. It may claim
 * `traits` like `openAs`, and is closed after the test. The test fails at its end if no compiled shader contained the
 * text.
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
