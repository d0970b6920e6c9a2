/** The words that the parts of a run share: modes, phases, what is measured, and who is told of it. */

import type { Phase, TrainMode } from '../models/types.ts';
import type { MemoryPlan } from '../plan/index.ts';

/** One phase of one epoch, and one line of metrics.jsonl. */
export interface PhaseMetrics {
  /** From 0. */
  readonly epoch: number;
  readonly phase: Phase;
  /** Mean over the pictures. In the train phase of a model that moved meanwhile, as the tutorial prints it. */
  readonly loss: number;
  /** Share of the pictures that were predicted right. */
  readonly acc: number;
  /** Learning rate of this epoch's train phase, also in the val line. */
  readonly lr: number;
  /** From the phase's first batch being asked for to its last result being read. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** One step whose result has come back. Steps are reported in order, up to two steps after they were submitted. */
export interface StepProgress {
  readonly epoch: number;
  readonly phase: Phase;
  /** From 0. */
  readonly step: number;
  /** Steps of this phase. */
  readonly steps: number;
  /** Mean loss of this step's batch. */
  readonly loss: number;
  /** Of this step's batch. */
  readonly correct: number;
  /** Pictures in this step's batch. */
  readonly size: number;
  /** Mean over the phase's pictures so far. */
  readonly meanLoss: number;
  /** Since the phase began. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** What summary.json holds. */
export interface RunSummary {
  /** Only if it was the built-in demo: then the accuracy says nothing about photographs. */
  readonly demo?: true;
  readonly mode: TrainMode;
  readonly seed: number;
  /** 0 while no epoch was better than that. */
  readonly bestValAcc: number;
  /** Epoch of the weights that were kept, from 0; null for the state before training. */
  readonly bestEpoch: number | null;
  /** Epochs that were finished, both phases. */
  readonly epochs: number;
  /** Whether the run was stopped before its last epoch. */
  readonly interrupted: boolean;
  /** Of training, without preparations. */
  readonly seconds: number;
  /** The adapter's description. */
  readonly adapter: string;
  readonly adapterKind: 'software' | 'hardware';
}

/** What is known when training is about to begin. */
export interface RunStart {
  readonly mode: TrainMode;
  readonly epochs: number;
  readonly adapter: string;
  readonly adapterKind: 'software' | 'hardware';
  readonly memory: MemoryPlan;
  /** The run folder. */
  readonly folder: string;
  readonly classes: readonly string[];
  /** Pictures per phase. */
  readonly pictures: Readonly<Record<Phase, number>>;
  /** Steps per phase. */
  readonly steps: Readonly<Record<Phase, number>>;
  /** Where the weights come from, as a sentence. */
  readonly weights: string;
}

/** Who wants to know how the run goes on. Every method is optional and is called synchronously between steps. */
export interface Reporter {
  /** Everything is ready; training begins. */
  started?(run: RunStart): void;
  /** `epoch` counts from 0. */
  epochStarted?(epoch: number, epochs: number): void;
  /** A phase of `steps` steps begins. */
  phaseStarted?(epoch: number, phase: Phase, steps: number): void;
  /** A step's result is there. */
  stepDone?(progress: StepProgress): void;
  /** Its metrics are in metrics.jsonl already. */
  phaseEnded?(metrics: PhaseMetrics): void;
  /** Both phases are done, and the best weights written if they are these. */
  epochEnded?(epoch: number): void;
  /** The run is over, or was stopped by its signal; not called where it failed. */
  ended?(summary: RunSummary): void;
  /** These files of the run folder are pictures that people may look at; called last. */
  picturesDrawn?(files: readonly string[]): void;
  /** A picture could not be drawn or written. The run goes on. */
  pictureFailed?(file: string, error: Error): void;
}
