/**
 * One phase of an epoch: all batches of a loader. Up to two steps are queued on the device while the host records the
 * next. Only then does the host wait for the oldest result (see `gpu/naps.ts`).
 */
import type { Batch } from '../data/index.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import type { HostBatch, StepResult } from '../models/step.ts';
import type { Phase } from '../models/types.ts';
import { type DivergedAt, NonFiniteLossError } from './errors.ts';
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
  /** Records and submits one step; `step` counts from 0. */
  readonly run: (batch: HostBatch, step: number) => StepResult;
  /** Goes on after these steps; `batches` must begin with the next one. By default from the phase's start. */
  readonly from?: PhaseProgress | undefined;
  /**
   * Called when a step was submitted, before the next one is; `step` counts from 0. What it returns is called when the
   * step's result was read.
   */
  readonly onSubmitted?: ((step: number) => ((progress: PhaseProgress) => Promise<void>) | undefined) | undefined;
  /** Called if the signal ended the phase early, when nothing is under way on the device. */
  readonly onStopped?: ((progress: PhaseProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Judges each step's loss. What it returns ends the phase. By default a loss that is not finite does.
   * @param indices the batch's samples in the data set
   */
  readonly judge?: ((step: Omit<DivergedAt, 'pictures'>, indices: Int32Array) => Error | undefined) | undefined;
  /** Limits the wait for each result. By default there is no limit. */
  readonly watchdog?: Watchdog | undefined;
  /** Whether the first result has no limit, as it may have to compile kernels. */
  readonly compiles?: boolean | undefined;
  readonly onStep?: ((progress: StepProgress) => void) | undefined;
}

/** The sums of a phase after some steps. */
export interface PhaseProgress {
  /** Steps done. */
  readonly step: number;
  /** Pictures in them. */
  readonly images: number;
  /** Sum of the losses, each times its pictures. */
  readonly lossSum: number;
  readonly correctSum: number;
  readonly seconds: number;
  /** Words that their masks drew (see `mask-words.ts`); absent if none. */
  readonly words?: number;
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
  readonly indices: Int32Array;
  readonly result: StepResult;
  readonly whenRead: ((progress: PhaseProgress) => Promise<void>) | undefined;
}

const NOTHING: PhaseProgress = { step: 0, images: 0, lossSum: 0, correctSum: 0, seconds: 0 };

/**
 * Runs the phase. It weights losses by batch size and sums them in double, as the tutorial's
 * `loss.item() * inputs.size(0)` does.
 * @returns undefined if the signal ended the phase early; steps already submitted are finished first
 * @throws NonFiniteLossError if a loss is NaN or infinite; WatchdogError; errors of the loader and the device
 */
export async function runPhase(options: PhaseRun): Promise<PhaseTotals | undefined> {
  const { epoch, phase, batches, steps, run, from = NOTHING, signal, onSubmitted, onStep, onStopped } = options;
  const { watchdog, compiles = false, judge = nonFinite } = options;
  const startedAt = performance.now() - 1000 * from.seconds;
  const submitted: Submitted[] = [];
  let { step, images, lossSum, correctSum } = from;
  let recorded = step;
  const secondsSoFar = () => (performance.now() - startedAt) / 1000;

  const readOldest = async () => {
    const { size, indices, result, whenRead } = submitted.shift()!;
    const read = Promise.all([result.loss.get(), result.correct.get()]);
    const [losses, counts] = await (watchdog && !(compiles && step === from.step) ? watchdog.watch(read) : read);
    const loss = new Float32Array(losses)[0]!;
    const correct = new Uint32Array(counts)[0]!;
    const diverged = judge({ epoch, phase, step, loss }, indices);
    if (diverged) throw diverged;
    images += size;
    lossSum += loss * size;
    correctSum += correct;
    const seconds = secondsSoFar();
    const rates = { meanLoss: lossSum / images, seconds, imagesPerSecond: images / seconds };
    onStep?.({ epoch, phase, step, steps, loss, correct, size, ...rates });
    step++;
    await whenRead?.({ step, images, lossSum, correctSum, seconds });
  };

  if (signal?.aborted) return undefined;
  for await (const batch of batches) {
    const result = run(batch, recorded);
    submitted.push({ size: batch.size, indices: batch.indices, result, whenRead: onSubmitted?.(recorded++) });
    // The upload has copied the images.
    batch.release();
    while (submitted.length > QUEUE_DEPTH) await readOldest();
    if (signal?.aborted) break;
  }
  while (submitted.length > 0) await readOldest();
  const seconds = secondsSoFar();
  if (step < steps) {
    onStopped?.({ step, images, lossSum, correctSum, seconds });
    return undefined;
  }
  return { loss: lossSum / images, acc: correctSum / images, seconds, imagesPerSecond: images / seconds };
}

function nonFinite(step: Omit<DivergedAt, 'pictures'>): Error | undefined {
  return Number.isFinite(step.loss) ? undefined : new NonFiniteLossError({ ...step, pictures: [] });
}
