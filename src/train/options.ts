/** The options of a run, with the tutorial's values as defaults, and their checks. */
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { ARCHITECTURES, type Architecture, type OptimizerName, TRAIN_MODES, type TrainMode } from '../models/types.ts';
import type { FindTuned } from '../plan/index.ts';
import type { ScheduleName } from './recipe.ts';
import type { RegularizationOptions } from './regularization.ts';
import type { Reporter } from './types.ts';

/** What to do when training diverges. */
export const ON_DIVERGENCE = ['stop', 'continue'] as const;
export type OnDivergence = (typeof ON_DIVERGENCE)[number];

/** Data, weights and settings of a run. Omitted settings take the tutorial's values. */
export interface TrainOptions extends RegularizationOptions {
  /**
   * Folder with `train/` and `val/` (or `valid/`, `validation/`, `test/`), each with one folder of pictures per class; or a
   * folder of class folders alone, or a list in CSV or JSONL, of which a share becomes val.
   */
  readonly data: string;
  /** A checkpoint (.pth or .safetensors) to start from. Without one the weights are drawn at random. */
  readonly weights?: string | undefined;
  /**
   * The network, by torchvision's name. Weights tell it themselves: then it must be theirs. Without weights it is what is
   * built; default `resnet18`.
   */
  readonly arch?: Architecture | undefined;
  /**
   * Of weights in an ONNX file: the node, or the last layer (`fc` of `fc.weight`), at which the network ends. By default
   * the last product with a matrix of weights.
   */
  readonly head?: string | undefined;
  /** Default `finetune`. `probe` is not the tutorial's: it has defaults of its own for epochs, batch and rates. */
  readonly mode?: TrainMode | undefined;
  /** Default 25. */
  readonly epochs?: number | undefined;
  /** Pictures per step; default 4. */
  readonly batchSize?: number | undefined;
  /** Learning rate of the first epochs; default 0.001. */
  readonly lr?: number | undefined;
  /** The rate of all layers but the last; `lr` is then that of the last one. By default all have `lr`. */
  readonly lrBackbone?: number | undefined;
  /**
   * The first block that learns; those before it are frozen. By default all learn. Only in the mode `finetune`. Its name is that
   * of the network's `Classifier.blocks`: `layer4` of a ResNet.
   */
  readonly unfreeze?: string | undefined;
  /**
   * The first epochs in which only the last layer learns; then all do, or those from `unfreeze` on. They count as
   * epochs. Default 0. Only in the mode `finetune`.
   */
  readonly freezeEpochs?: number | undefined;
  /** Default `sgd`. */
  readonly optimizer?: OptimizerName | undefined;
  /** Of SGD; default 0.9. */
  readonly momentum?: number | undefined;
  /** Default 0, and 0.01 with `adamw`. */
  readonly weightDecay?: number | undefined;
  /**
   * How the learning rate changes: `step` multiplies it by `gamma` every `stepSize` epochs; `cosine` lets it fall by
   * half a cosine to 0, after each epoch; `onecycle` lets it rise to `lr` and fall to nearly 0, after each update.
   * Default `step`.
   */
  readonly schedule?: ScheduleName | undefined;
  /** Epochs in which the learning rate rises from a hundredth, a little with each update; default 0. */
  readonly warmup?: number | undefined;
  /** The largest norm of all gradients together; larger ones are scaled down to it. Default 0: none are. */
  readonly gradClip?: number | undefined;
  /** Batches that make one update together, by the mean loss of their pictures; default 1. */
  readonly accumulate?: number | undefined;
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
  /**
   * Side of the network's square input, pixels; default: that of the weights, which is 224 for those of torchvision. Val first
   * resizes the shorter side in the ratio that the weights state, for most 256/224 of it.
   */
  readonly imageSize?: number | undefined;
  /** The most pixels (width times height) that a picture may have; default 178,956,970, as in Pillow. */
  readonly maxPixels?: number | undefined;
  /** The share of the pictures that becomes val if nobody has divided them, between 0 and 1; default 0.2. */
  readonly valSplit?: number | undefined;
  /** Whether pictures stay as they are stored, as in torchvision, though their EXIF says how to turn them. Default false. */
  readonly ignoreOrientation?: boolean | undefined;
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
  /** Steps between two saves inside an epoch; default 0: only the ends of epochs are saved. */
  readonly saveEvery?: number | undefined;
  /** Ends the run when val has improved in neither loss nor accuracy for so many epochs; default 0: never. */
  readonly patience?: number | undefined;
  /** Epochs before `patience` may end the run; default 0. */
  readonly minEpochs?: number | undefined;
  /**
   * Whether to go on without pictures that cannot be read. By default they end the run before its first step, and are
   * named all together.
   */
  readonly skipBroken?: boolean | undefined;
  /**
   * Whether to stop when a loss is not finite, or more than a million times that of the start. Default `stop`; with
   * `continue` it is reported once.
   */
  readonly onDivergence?: OnDivergence | undefined;
  /** Seconds to wait for a step's result, after the first step, before the device counts as hung; 0: for ever. Default 600. */
  readonly watchdog?: number | undefined;
  /**
   * Whether to draw pictures: a batch, curves, predictions, the confusion matrix, the worst answers, and a page about the
   * run, report.html. Default true; changes no result.
   */
  readonly pictures?: boolean | undefined;
  /**
   * Mode `probe` only: views of each train picture, the centre and random crops and flips. Default 1, the centre.
   */
  readonly views?: number | undefined;
  /** Mode `probe` only: whether to keep features in the cache folder, and use those that are there. Default true. */
  readonly featureCache?: boolean | undefined;
  /** A device to use instead of opening one. It stays open and unchanged, and the trained model stays on it. */
  readonly gpu?: Gpu | undefined;
  /**
   * Aborting it ends the run after the current step; its state and the best weights are kept. Before the first step
   * nothing is written, and the signal's reason is thrown.
   */
  readonly signal?: AbortSignal | undefined;
  readonly reporter?: Reporter | undefined;
}

/** Options of `resumeTraining`. All others are those of the run. */
export interface ResumeOptions
  extends Pick<
    TrainOptions,
    | 'threads'
    | 'adapter'
    | 'checks'
    | 'tuned'
    | 'pictures'
    | 'gpu'
    | 'signal'
    | 'reporter'
    | 'saveEvery'
    | 'patience'
    | 'minEpochs'
    | 'watchdog'
    | 'onDivergence'
  > {
  /** A new number of epochs in all, also after the run has ended. By default that of the run. */
  readonly epochs?: number | undefined;
  /** Where the pictures are now, if the folder has moved. */
  readonly data?: string | undefined;
}

/** @throws UsageError if the mode is unknown */
export function checkMode(mode: string): TrainMode {
  const known = TRAIN_MODES.find((one) => one === mode);
  if (known) return known;
  throw new UsageError(`mode: expected ${TRAIN_MODES.join(' or ')}, found ${mode}`);
}

/** @throws UsageError if it is unknown */
export function checkArch(name: string | undefined): Architecture | undefined {
  const known = ARCHITECTURES.find((one) => one === name);
  if (known || name === undefined) return known;
  throw new UsageError(`arch: expected ${ARCHITECTURES.join(', ')}, found ${JSON.stringify(name)}`);
}

/** @throws UsageError if it is unknown */
export function checkOnDivergence(what: string): OnDivergence {
  const known = ON_DIVERGENCE.find((one) => one === what);
  if (known) return known;
  throw new UsageError(`onDivergence: expected ${ON_DIVERGENCE.join(' or ')}, found ${what}`);
}
