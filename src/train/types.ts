/** Types that the parts of a run share: metrics, progress, summary and the reporter. */

import type { LeftOut } from '../data/index.ts';
import type { Judgement } from '../judge/index.ts';
import type { Classifier } from '../models/index.ts';
import type { Phase, TrainMode } from '../models/types.ts';
import type { ExportedEntry } from '../nn/index.ts';
import type { MemoryPlan } from '../plan/index.ts';
import type { DivergedError } from './errors.ts';
import type { described } from './regularization.ts';

/** A state dict on the host. */
export type State = ReadonlyMap<string, ExportedEntry>;

/** One phase of one epoch: one line of metrics.jsonl. */
export interface PhaseMetrics {
  /** From 0. */
  readonly epoch: number;
  readonly phase: Phase;
  /** Mean over the pictures; null in files if it is not finite. In the train phase the weights change between batches, as in the tutorial's figure. */
  readonly loss: number;
  /** Share of the pictures predicted correctly, from 0 to 1. */
  readonly acc: number;
  /** Learning rate of the last update in this epoch's train phase, also in the val line. */
  readonly lr: number;
  /** That of all layers but the last, if they have one of their own. */
  readonly lrBackbone?: number;
  /** From the request for the phase's first batch to the read of its last result. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** One step whose result was read. Steps are reported in order, up to two steps after they were submitted. */
export interface StepProgress {
  readonly epoch: number;
  readonly phase: Phase;
  /** From 0. */
  readonly step: number;
  /** Steps of this phase. */
  readonly steps: number;
  /** Mean loss of this step's batch. */
  readonly loss: number;
  /** Correct predictions in this step's batch. */
  readonly correct: number;
  /** Pictures in this step's batch. */
  readonly size: number;
  /** Mean over the phase's pictures so far. */
  readonly meanLoss: number;
  /** Seconds since the phase began. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** One start of a run: where it began, and on what. */
export interface RunSegment {
  /** Its first step: epochs and steps count from 0. */
  readonly epoch: number;
  readonly phase: Phase;
  readonly step: number;
  readonly dawngrad: string;
  readonly node: string;
  /** The adapter's description. */
  readonly adapter: string;
  /** Hash of the kernel choices. */
  readonly kernels: string;
}

/** The contents of summary.json. */
export interface RunSummary {
  /** Set only for the built-in demo. Its accuracy says nothing about photographs. */
  readonly demo?: true;
  readonly mode: TrainMode;
  /** Set only in mode `probe`, which the tutorial does not have. */
  readonly notTutorial?: true;
  readonly seed: number;
  /** 0 if no epoch was better. */
  readonly bestValAcc: number;
  /** Epoch of the kept weights, from 0; null for the state before training. */
  readonly bestEpoch: number | null;
  /** Epochs with both phases finished. */
  readonly epochs: number;
  /** Whether the run was stopped before its last epoch. */
  readonly interrupted: boolean;
  /** Whether val stopped improving, so that `patience` ended the run. */
  readonly stoppedEarly?: true;
  /** Time of training over all starts, without preparations. */
  readonly seconds: number;
  /** Set if the run left out broken pictures: `train/ants/0013035.jpg`. */
  readonly skipped?: readonly string[];
  /** Each start of the run: one, and one for each time it was resumed. */
  readonly segments: readonly RunSegment[];
  /** The adapter's description. */
  readonly adapter: string;
  readonly adapterKind: 'software' | 'hardware';
}

/** The result of a run, also if its signal stopped it. */
export interface TrainResult {
  readonly summary: RunSummary;
  /** One entry per epoch and phase. */
  readonly metrics: readonly PhaseMetrics[];
  /** The run folder. */
  readonly folder: string;
  /** The best weights with the batch norms' statistics, under torch's names. */
  readonly best: State;
  /**
   * The network with the best weights, in evaluation mode. Set only if the caller gave the device; the caller disposes
   * it.
   */
  readonly model: Classifier | undefined;
}

/** How far the check before the first step is. */
export interface CheckProgressReport {
  /** Pictures read so far, in both phases together. */
  readonly done: number;
  readonly total: number;
  /** Whether they are decoded; else only their headers are read, as there are many. */
  readonly decoded: boolean;
}

/** What a run does before its first step. Pictures are decoded at the same time (`CheckProgressReport`). */
export interface Preparation {
  /** `files`: pictures are listed and weights read; `device`: it is opened; `kernels`: they are compiled. */
  readonly stage: 'files' | 'device' | 'kernels';
  /** Kernels done, of how many. */
  readonly done?: number;
  readonly total?: number;
}

/** How far the judgement of the best weights is. */
export interface JudgingProgress {
  readonly split: string;
  /** Pictures judged so far. */
  readonly done: number;
  readonly count: number;
}

/** How far a probe's pass over the pictures is. */
export interface FeatureProgress {
  /** Views of pictures whose features are known. */
  readonly done: number;
  /** Views of pictures in all. */
  readonly total: number;
  /** Those among `done` that were found in the cache. */
  readonly cached: number;
  /** Seconds since the pass began. */
  readonly seconds: number;
}

/** Facts known when training is about to begin. */
export interface RunStart {
  readonly mode: TrainMode;
  /** Set only for the built-in demo. */
  readonly demo?: true;
  readonly epochs: number;
  readonly adapter: string;
  readonly adapterKind: 'software' | 'hardware';
  readonly memory: MemoryPlan;
  /** The run folder. */
  readonly folder: string;
  readonly classes: readonly string[];
  /** Pictures per phase. */
  readonly pictures: Readonly<Record<Phase, number>>;
  /** The most pictures of a step, as given. There may be fewer in all. */
  readonly batchSize: number;
  /** Broken pictures that the run leaves out: `train/ants/0013035.jpg`. */
  readonly skipped: readonly string[];
  /** Paths of hidden folders and `._*` files among them, which are no classes and no pictures. */
  readonly leftOut: readonly string[];
  /** Files that are not read though they lie among the pictures, such as GIF. */
  readonly notRead: readonly LeftOut[];
  /** How the pictures were divided, and what is wrong with them: copies in train and val, labels that contradict. */
  readonly notes: readonly string[];
  /** What differs from the tutorial in augmentation, mixup, smoothed labels and class weights. */
  readonly regularization?: ReturnType<typeof described>;
  /** What differs from the tutorial in how the network learns, by the names of the options. */
  readonly learning?: Readonly<Record<string, string | number>>;
  /** Steps per phase. */
  readonly steps: Readonly<Record<Phase, number>>;
  /** The source of the weights, as a sentence. */
  readonly weights: string;
  /** Mode `probe` only: the folder in which features are kept, if they are. */
  readonly featureCache?: string | undefined;
  /** Set if the run goes on: from where, and how the adapter, driver, program or kernels differ from the last start. */
  readonly resumed?: {
    readonly epoch: number;
    readonly phase: Phase;
    readonly step: number;
    readonly changes: readonly string[];
  };
}

/** Receives the progress of a run. Every method is optional and is called synchronously between steps. */
export interface Reporter {
  /** Before the first step: the run begins with a part of its preparations, or goes on with it. */
  preparing?(preparation: Preparation): void;
  /** Before the first step: pictures were checked. Called a few times a second, and at the end. */
  picturesChecked?(progress: CheckProgressReport): void;
  /** Everything is ready; training begins. */
  started?(run: RunStart): void;
  /** Mode `probe` only: after each batch of the pass over the pictures, and at its begin and end. */
  featuresComputed?(progress: FeatureProgress): void;
  /** Mode `probe` only: the cache of features cannot be used, in part or at all. The run continues. */
  cacheNote?(text: string): void;
  /** `epoch` counts from 0. */
  epochStarted?(epoch: number, epochs: number): void;
  /** A phase of `steps` steps begins. */
  phaseStarted?(epoch: number, phase: Phase, steps: number): void;
  /** A step's result was read. */
  stepDone?(progress: StepProgress): void;
  /** Training diverged, and `onDivergence` says to go on. Called once. */
  diverged?(error: DivergedError): void;
  /** A phase ended; its metrics are already in metrics.jsonl. */
  phaseEnded?(metrics: PhaseMetrics): void;
  /** Both phases ended; if the weights are the best so far, they are written. */
  epochEnded?(epoch: number): void;
  /** The run ended, or its signal stopped it. Not called if the run failed. */
  ended?(summary: RunSummary): void;
  /** After the end: some pictures of a split have been judged. Called after each batch. */
  judging?(progress: JudgingProgress): void;
  /**
   * The best weights were judged on val, or on test; the judgement is in judgement.json or judgement-test.json. Not
   * called if no epoch was finished.
   */
  judged?(judgement: Judgement): void;
  /** These pictures of test are broken, so they are not judged. */
  notJudged?(pictures: readonly string[]): void;
  /** The best weights could not be judged. The run's other results are complete. */
  judgementFailed?(error: Error): void;
  /** These files of the run folder are pictures. Called last. */
  picturesDrawn?(files: readonly string[]): void;
  /** A step could not be timed, so there is no kernels.json. The run's other results are complete. */
  kernelsNotTimed?(error: Error): void;
  /** The page about the run is written: its path, and its bytes. */
  reportWritten?(path: string, bytes: number): void;
  /** It could not be written. The run's other results are complete. */
  reportFailed?(error: Error): void;
  /** A picture could not be drawn or written. The run continues. */
  pictureFailed?(file: string, error: Error): void;
}
