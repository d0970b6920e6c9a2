/** The page about a run, at its end. All results are on disk by then: if it fails, that is reported and the run has ended well. */
import { join } from 'node:path';
import type { DecoderPool } from '../data/index.ts';
import { WatchdogError } from '../gpu/errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import type { Chooser } from '../kernels/chooser.ts';
import type { Classifier } from '../models/index.ts';
import type { Phase } from '../models/types.ts';
import type { NumberSettings } from '../plan/index.ts';
import type { Counts } from '../report/index.ts';
import { type PictureSet, type Pictures, pictureName } from './pictures.ts';
import { RUN_FILES, type RunFolder } from './run-folder.ts';
import type { Reporter } from './types.ts';

/** The parts of a run that its report needs beside the files. */
export interface ReportQuestion {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  /** Has the best weights and is in evaluation mode. */
  readonly model: Classifier;
  readonly pool: DecoderPool;
  readonly settings: Pick<NumberSettings, 'batchSize'>;
  readonly pictures: Pictures;
  readonly folder: RunFolder;
  readonly watchdog: Watchdog;
  readonly reporter: Reporter | undefined;
}

/** @throws WatchdogError if the device hangs */
export async function writeRunReport(question: ReportQuestion): Promise<void> {
  const { gpu, chooser, model, pool, settings, pictures, folder, watchdog, reporter } = question;
  try {
    const { readRun, reportOf } = await import('../report/index.ts');
    const batchSize = Math.min(settings.batchSize, pictures.val.length);
    const eyes = { pool, network: { gpu, chooser, model, batchSize, watchdog } };
    const html = await reportOf(readRun(folder.path), { eyes, counts: countsOf(pictures) });
    const bytes = folder.writeReport(html);
    reporter?.reportWritten?.(join(folder.path, RUN_FILES.report), bytes);
  } catch (error) {
    if (error instanceof WatchdogError) throw error;
    reporter?.reportFailed?.(error instanceof Error ? error : new Error(String(error)));
  }
}

/**
 * Pictures of each class by phase.
 * @param skipped names of broken ones, which do not count
 */
export function countsOf({ train, val, classes }: Pictures, skipped: readonly string[] = []): Counts {
  const names = new Set(skipped);
  const count = (phase: Phase, set: PictureSet) => {
    const counts = new Array<number>(classes.length).fill(0);
    for (const { path, label } of set.samples) if (!names.has(pictureName(phase, set, path))) counts[label]!++;
    return counts;
  };
  return { train: count('train', train), val: count('val', val) };
}
