/** Opens what a finished run looks with: its best weights on a device, and threads that read pictures. */
import { join } from 'node:path';
import { DecoderPool } from '../data/index.ts';
import { type AdapterPreference, openGpu } from '../gpu/dawn.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { Watchdog } from '../gpu/watchdog.ts';
import { chooserOf } from '../kernels/chooser.ts';
import { buildModel, type Start } from '../models/start.ts';
import { openStart } from '../onnx/start.ts';
import { NUMBER_OPTIONS } from '../plan/index.ts';
import { RECORD_FILES, type RunRecord } from './run-record.ts';
import type { Eyes, Network } from './views.ts';

/** Pictures at once. They are few, so a small batch saves memory and costs little. */
const BATCH_SIZE = 4;

/** Eyes that are open until they are closed. */
export interface OpenEyes extends Eyes {
  close(): Promise<void>;
}

/** Reads pictures only. */
export function openReader({ config }: RunRecord): OpenEyes {
  const { maxPixels, ignoreOrientation } = config;
  const pool = new DecoderPool(NUMBER_OPTIONS.threads.default, { maxPixels, ignoreOrientation });
  return { pool, network: undefined, close: () => pool.close() };
}

/**
 * Reads pictures, and looks at them with the run's best weights.
 * @throws FileError if the weights cannot be read or are for other classes; errors of the device
 */
export async function openEyes(record: RunRecord, adapter?: AdapterPreference): Promise<OpenEyes> {
  const { config } = record;
  const start = await openStart(join(record.folder, RECORD_FILES.best), config.classes);
  const gpu = await openGpu(adapter && { adapter });
  let network: Network;
  try {
    network = networkOn(gpu, start, config.classes.length);
  } catch (error) {
    gpu.close();
    throw error;
  }
  const reader = openReader(record);
  const close = async () => {
    gpu.close();
    await reader.close();
  };
  return { ...reader, network, close };
}

function networkOn(gpu: Gpu, start: Start, classes: number): Network {
  const model = buildModel(gpu, start, { classes, mode: 'extract' }).eval();
  const watchdog = new Watchdog(NUMBER_OPTIONS.watchdog.default);
  return { gpu, chooser: chooserOf(gpu).fresh(), model, batchSize: BATCH_SIZE, watchdog };
}
