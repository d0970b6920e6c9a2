/** The options of a run, with the tutorial's values as defaults, and their checks. */
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { TRAIN_MODES, type TrainMode } from '../models/types.ts';
import type { FindTuned } from '../plan/index.ts';
import type { Reporter } from './types.ts';

/** Data, weights and settings of a run. Omitted settings take the tutorial's values. */
export interface TrainOptions {
  /** Folder with `train/` and `val/`, each with one folder of pictures per class. */
  readonly data: string;
  /** A checkpoint (.pth or .safetensors) to start from. Without one the weights are drawn at random. */
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
  /** Seeds every random value of the run, as torch.manual_seed does; default 0. */
  readonly seed?: number | undefined;
  /** torch's num_workers: decides only which random stream each picture draws from; default 4. */
  readonly workers?: number | undefined;
  /** Threads that decode pictures; they change no result. Default: one per core, at most 4. */
  readonly threads?: number | undefined;
  /** Side of the network's square input, pixels; default 224. Val first resizes the shorter side to 256/224 of it. */
  readonly imageSize?: number | undefined;
  /** The most pixels (width times height) that a picture may have; default 178,956,970, as in Pillow. */
  readonly maxPixels?: number | undefined;
  /** Which adapter to open; the fastest by default. */
  readonly adapter?: AdapterPreference | undefined;
  /** Dawn's validation and the shaders' bounds checks. Default true: they cost 2 % of a step (lavapipe). */
  readonly checks?: boolean | undefined;
  /** Called once the device is open. Without it the run uses the chooser of `gpu`, or else the shipped tables. */
  readonly tuned?: FindTuned | undefined;
  /** The run folder; default `runs/<time>-<mode>`. It must not contain a run yet. */
  readonly out?: string | undefined;
  /** Marks the run as the built-in demo in config.json and summary.json. It changes nothing else. */
  readonly demo?: boolean | undefined;
  /** Whether to draw the tutorial's pictures: a batch, predictions, curves. Default true; changes no result. */
  readonly pictures?: boolean | undefined;
  /** A device to use instead of opening one. It stays open and unchanged, and the trained model stays on it. */
  readonly gpu?: Gpu | undefined;
  /** Aborting it ends the run after the current step; the best weights are kept. */
  readonly signal?: AbortSignal | undefined;
  readonly reporter?: Reporter | undefined;
}

/** @throws UsageError if the mode is unknown */
export function checkMode(mode: string): TrainMode {
  const known = TRAIN_MODES.find((one) => one === mode);
  if (known) return known;
  throw new UsageError(`mode: expected ${TRAIN_MODES.join(' or ')}, found ${mode}`);
}
