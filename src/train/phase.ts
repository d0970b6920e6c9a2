/**
 * One phase of an epoch: all batches of a loader. Up to two steps are queued on the device while the host records the
 * next. Only then does the host wait for the oldest result (see `gpu/naps.ts`).
 */
import type { Batch } from '../data/index.ts';
import type { HostBatch, StepResult } from '../models/step.ts';
import type { Phase } from '../models/types.ts';
import { NonFiniteLossError } from './errors.ts';
import type { StepProgress } from './types.ts';

/** Steps that may be submitted but not yet read. More would only delay Ctrl-C and the report of a NaN. */
const QUEUE_DEPTH = 2;

/** One phase of one epoch to run. */
export interface PhaseRun {
  readonly epoch: number;
  readonly phase: Phase;
  readonly batches: AsyncIterable<Batch>;
  /** Steps of the whole phase. */
  readonly steps: number;
  /** Records and submits one step. */
  readonly run: (batch: HostBatch) => StepResult;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((progress: StepProgress) => void) | undefined;
}

/** Results of a phase. */
export interface PhaseTotals {
  /** Mean over the pictures. */
  readonly loss: number;
  readonly acc: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

interface Submitted {
  readonly size: number;
  readonly result: StepResult;
}

/**
 * Runs the phase. It weights losses by batch size and sums them in double, as the tutorial's
 * `loss.item() * inputs.size(0)` does.
 * @returns undefined if the signal ended the phase early; steps already submitted are finished first
 * @throws NonFiniteLossError if a loss is NaN or infinite; errors of the loader and the device
 */
export async function runPhase(options: PhaseRun): Promise<PhaseTotals | undefined> {
  const { epoch, phase, batches, steps, run, signal, onStep } = options;
  const startedAt = performance.now();
  const submitted: Submitted[] = [];
  let step = 0;
  let images = 0;
  let lossSum = 0;
  let correctSum = 0;

  const readOldest = async () => {
    const { size, result } = submitted.shift()!;
    const loss = new Float32Array(await result.loss.get())[0]!;
    const correct = new Uint32Array(await result.correct.get())[0]!;
    if (!Number.isFinite(loss)) throw new NonFiniteLossError(epoch, phase, step, loss);
    images += size;
    lossSum += loss * size;
    correctSum += correct;
    const seconds = (performance.now() - startedAt) / 1000;
    const rates = { meanLoss: lossSum / images, seconds, imagesPerSecond: images / seconds };
    onStep?.({ epoch, phase, step, steps, loss, correct, size, ...rates });
    step++;
  };

  if (signal?.aborted) return undefined;
  for await (const batch of batches) {
    submitted.push({ size: batch.size, result: run(batch) });
    // The upload has copied the images.
    batch.release();
    while (submitted.length > QUEUE_DEPTH) await readOldest();
    if (signal?.aborted) break;
  }
  while (submitted.length > 0) await readOldest();
  if (step < steps) return undefined;
  const seconds = (performance.now() - startedAt) / 1000;
  return { loss: lossSum / images, acc: correctSum / images, seconds, imagesPerSecond: images / seconds };
}
