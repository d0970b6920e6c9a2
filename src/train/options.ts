/** What a run may be told, with the tutorial's values as defaults, and the checks of it. */
import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import type { TunedChoices } from '../kernels/work.ts';
import type { MemoryQuestion } from './memory.ts';
import { type Reporter, TRAIN_MODES, type TrainMode } from './types.ts';

/** Finds which kernels were measured to be fastest on an adapter for the work of a run; the shipped tables say the rest. */
export type FindTuned = (traits: AdapterTraits, question: MemoryQuestion) => Promise<TunedChoices>;

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

interface NumberRule {
  readonly default: number;
  readonly whole: boolean;
  readonly least: number;
}

const whole = (value: number, least: number): NumberRule => ({ default: value, whole: true, least });
const real = (value: number): NumberRule => ({ default: value, whole: false, least: 0 });

/** The options that are numbers. The command line takes its defaults and checks from here too. */
export const NUMBER_OPTIONS = {
  epochs: whole(25, 1),
  batchSize: whole(4, 1),
  lr: real(0.001),
  momentum: real(0.9),
  weightDecay: real(0),
  stepSize: whole(7, 1),
  gamma: real(0.1),
  seed: whole(0, 0),
  workers: whole(4, 0),
  threads: whole(Math.min(4, availableParallelism()), 0),
  // Halved five times on its way through the network.
  imageSize: whole(224, 32),
} satisfies Record<string, NumberRule>;

/** Name of an option that is a number. */
export type NumberOption = keyof typeof NUMBER_OPTIONS;
/** All of them. */
export type NumberSettings = Readonly<Record<NumberOption, number>>;

/**
 * The value itself if it is one that this option takes.
 * @param shownAs how the error names the option: `lr`, or `--lr` on the command line
 * @throws UsageError
 */
export function checkNumber(option: NumberOption, value: number, shownAs: string = option): number {
  const { whole, least } = NUMBER_OPTIONS[option];
  const good = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (good && value >= least) return value;
  throw new UsageError(`${shownAs}: expected a ${whole ? 'whole ' : ''}number of at least ${least}, found ${value}`);
}

/** All numbers, those that were not given by default. @throws UsageError */
export function numberSettings(options: Partial<Record<NumberOption, number | undefined>>): NumberSettings {
  const names = Object.keys(NUMBER_OPTIONS) as NumberOption[];
  return Object.fromEntries(
    names.map((name) => [name, checkNumber(name, options[name] ?? NUMBER_OPTIONS[name].default)]),
  ) as Record<NumberOption, number>;
}

/** @throws UsageError */
export function checkMode(mode: string): TrainMode {
  const known = TRAIN_MODES.find((one) => one === mode);
  if (known) return known;
  throw new UsageError(`mode: expected ${TRAIN_MODES.join(' or ')}, found ${mode}`);
}
