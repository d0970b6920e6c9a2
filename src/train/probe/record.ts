/** What a probe tells and writes about itself. */
import { resolve } from 'node:path';
import type { Gpu } from '../../gpu/gpu.ts';
import type { InputSpec } from '../../input-spec.ts';
import type { Chooser } from '../../kernels/chooser.ts';
import type { StartFacts } from '../../models/start.ts';
import type { Rehearsal } from '../../plan/index.ts';
import type { Best } from '../best.ts';
import { adapterKind, describeChoice, packageVersion, runConfig, weightsFile } from '../config.ts';
import type { DataSettings } from '../find-pictures.ts';
import type { TrainOptions } from '../options.ts';
import type { Pictures } from '../pictures.ts';
import { described, type Regularization } from '../regularization.ts';
import type { RunFolder } from '../run-folder.ts';
import type { RunSegment, RunSummary } from '../types.ts';
import type { ProbeSettings } from './settings.ts';

/** A probe whose device is ready and whose pictures are checked. */
export interface KnownProbe {
  readonly options: TrainOptions;
  readonly settings: ProbeSettings;
  readonly input: InputSpec;
  /** Without the broken ones. */
  readonly pictures: Pictures;
  /** Names of broken pictures that are left out. */
  readonly skipped: readonly string[];
  readonly regularization: Regularization;
  readonly reading: DataSettings;
  /** What to tell of the pictures, a sentence each. */
  readonly notes: readonly string[];
  readonly start: StartFacts;
  /** The checkpoint, as given. */
  readonly weights: string;
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  readonly rehearsal: Rehearsal;
  readonly folder: RunFolder;
  /** The folder of the cached features; undefined without a cache. */
  readonly cache: string | undefined;
}

export function reportStart(probe: KnownProbe): void {
  const { options, settings, pictures, skipped, start, gpu, rehearsal, folder } = probe;
  options.reporter?.started?.({
    mode: 'probe',
    epochs: settings.epochs,
    adapter: gpu.traits.description,
    adapterKind: adapterKind(gpu.traits),
    memory: rehearsal.memory,
    folder: folder.path,
    classes: pictures.classes,
    pictures: { train: pictures.train.length, val: pictures.val.length },
    leftOut: [...pictures.train.leftOut, ...pictures.val.leftOut],
    notRead: [...pictures.train.notRead, ...pictures.val.notRead],
    notes: probe.notes,
    batchSize: settings.batchSize,
    regularization: described(probe.regularization, pictures.classes),
    skipped,
    steps: { train: 1, val: 1 },
    weights: start.description,
    featureCache: probe.cache,
  });
}

/** The one start of a probe. */
export function segmentOf({ gpu, chooser, rehearsal }: KnownProbe): RunSegment {
  return {
    ...{ epoch: 0, phase: 'train', step: 0, dawngrad: packageVersion(), node: process.version },
    adapter: gpu.traits.description,
    kernels: describeChoice(rehearsal.choices, chooser.tuned).hash,
  };
}

/** Everything that decides the results: see `runConfig`. */
export function probeConfig(probe: KnownProbe): object {
  const { options, settings, input, regularization, reading, pictures, skipped, start, weights } = probe;
  const { gpu, chooser, rehearsal, cache } = probe;
  return {
    ...runConfig({
      ...{ demo: false, mode: 'probe', settings, input, regularization, reading, pictures, skipped, start, gpu },
      onDivergence: options.onDivergence ?? 'stop',
      data: resolve(options.data),
      weights: weightsFile(weights),
      checks: options.gpu ? null : (options.checks ?? true),
      kernels: rehearsal.choices,
      tuned: chooser.tuned,
      segments: [segmentOf(probe)],
    }),
    notTutorial: 'a linear probe: the last layer, trained on features that were computed once',
    optimizer: 'sgd, one step an epoch on all features, standardised; biases do not decay',
    featureCache: cache ?? null,
  };
}

export function probeSummary(
  probe: KnownProbe,
  run: {
    readonly best: Pick<Best<unknown>, 'epoch' | 'acc'>;
    readonly finished: number;
    readonly stoppedEarly: boolean;
    readonly seconds: number;
  },
): RunSummary {
  const { settings, gpu, skipped } = probe;
  const { best, finished, stoppedEarly, seconds } = run;
  return {
    mode: 'probe',
    notTutorial: true,
    seed: settings.seed,
    bestValAcc: best.acc,
    bestEpoch: best.epoch,
    epochs: finished,
    interrupted: finished < settings.epochs && !stoppedEarly,
    ...(stoppedEarly && { stoppedEarly }),
    seconds,
    adapter: gpu.traits.description,
    adapterKind: adapterKind(gpu.traits),
    ...(skipped.length > 0 && { skipped }),
    segments: [segmentOf(probe)],
  };
}
