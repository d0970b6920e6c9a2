/** What a run may be told, with the tutorial's values as defaults, and the checks of it. */
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { TRAIN_MODES, type TrainMode } from '../models/types.ts';
import type { FindTuned } from '../plan/index.ts';
import type { Reporter } from './types.ts';

/** What to train, on what and how; numbers that are left out are the tutorial's. */
export interface TrainOptions {
  /** Folder that holds `train/` and `val/`, each with one folder of pictures per class. */
  readonly data: string;
  /** A checkpoint (.pth or .safetensors) to start from; without one the weights are drawn. */
  readonly weights?: string | undefined;
  /** Default `finetune`. */
  readonly mode?: TrainMode | undefined;
  /** Default 25. */
  readonly epochs?: number | undefined;
  /** Pictures per step; default 4. */
  readonly batchSize?: number | undefined;
  /** Learning rate of the first epochs; default 0.001. */
  readonly lr?: number | undefined;
  /** Default 0.9. */
  readonly momentum?: number | undefined;
  /** Default 0. */
  readonly weightDecay?: number | undefined;
  /** Epochs between two changes of the learning rate; default 7. */
  readonly stepSize?: number | undefined;
  /** Factor of each such change; default 0.1. */
  readonly gamma?: number | undefined;
  /** Decides every random number of the run, as torch.manual_seed does; default 0. */
  readonly seed?: number | undefined;
  /** torch's num_workers: only how the random streams are dealt to the pictures; default 4. */
  readonly workers?: number | undefined;
  /** Threads that decode pictures; changes no value. Default: one per core, at most 4. */
  readonly threads?: number | undefined;
  /** Side of the square that the network sees, pixels; default 224. In val the shorter side becomes 256/224 of it first. */
  readonly imageSize?: number | undefined;
  /** Which adapter to open; the fastest by default. */
  readonly adapter?: AdapterPreference | undefined;
  /** Dawn's validation and the shaders' bounds checks; on by default, as they cost 2 % of a step (lavapipe). */
  readonly checks?: boolean | undefined;
  /** Asked once the device is open; without it the run goes by the chooser of `gpu`, or else by the shipped tables. */
  readonly tuned?: FindTuned | undefined;
  /** The run folder; default `runs/<time>-<mode>`. It must not hold a run yet. */
  readonly out?: string | undefined;
  /** Whether this is the built-in demo, which config.json and summary.json then say. It changes nothing else. */
  readonly demo?: boolean | undefined;
  /** Whether the run folder gets the tutorial's pictures: a batch, predictions, curves. On by default; changes no number. */
  readonly pictures?: boolean | undefined;
  /** A device to use instead of opening one. It is left open, as it was, and the trained model stays on it. */
  readonly gpu?: Gpu | undefined;
  /** Aborting it ends the run after the current step, with the best weights kept. */
  readonly signal?: AbortSignal | undefined;
  readonly reporter?: Reporter | undefined;
}

/** @throws UsageError */
export function checkMode(mode: string): TrainMode {
  const known = TRAIN_MODES.find((one) => one === mode);
  if (known) return known;
  throw new UsageError(`mode: expected ${TRAIN_MODES.join(' or ')}, found ${mode}`);
}
