// @ts-check
/**
 * Child process of adapter.mjs: requests an adapter and a device from Dawn, writes one line of JSON, and exits at once.
 * It requests a device too, because a driver that lists its adapter may still fail to open it.
 */

import { writeSync } from 'node:fs';

/** @param {import('./adapter.mjs').ProbeResult} result */
function answer(result) {
  writeSync(1, `${JSON.stringify(result)}\n`);
  process.exit(0);
}

try {
  const { create } = await import('webgpu');
  const gpu = create([]);
  // Dawn dies with this object, and nothing else refers to it, so keep it reachable until the end.
  Object.assign(globalThis, { dawngradProbe: gpu });
  const adapter = await gpu.requestAdapter();
  if (!adapter) {
    answer({ found: false, reason: 'Dawn found no adapter that it accepts' });
  } else {
    const { vendor, architecture, device, description } = adapter.info;
    await adapter.requestDevice();
    answer({ found: true, info: { vendor, architecture, device, description } });
  }
} catch (error) {
  answer({ found: false, reason: error instanceof Error ? error.message : String(error) });
}
