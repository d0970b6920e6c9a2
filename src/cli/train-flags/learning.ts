/** The flags of `train` that decide how the network learns: what is frozen, optimizer, schedule, accumulation. */
import { UsageError } from '../../errors.ts';
import type { Net } from '../../models/registry.ts';
import { OPTIMIZERS, type TrainMode } from '../../models/types.ts';
import type { NumberOption } from '../../plan/index.ts';
import { recipeOf, SCHEDULES, type TrainOptions } from '../../train/index.ts';
import { flagHelp, oneOf } from '../flags.ts';

/** A numeric flag with its option and its explanation for --help, on as many lines as needed. */
export interface NumberFlag {
  readonly flag: string;
  readonly option: NumberOption;
  readonly help: readonly string[];
  /** Whether the explanation tells the default. */
  readonly ownDefault?: true;
}

export const LEARNING_NUMBERS: readonly NumberFlag[] = [
  {
    flag: 'freeze-epochs',
    option: 'freezeEpochs',
    help: ['first epochs in which only the last layer learns; then all layers do, or those', 'from --unfreeze on'],
  },
  {
    flag: 'lr-backbone',
    option: 'lrBackbone',
    help: ['learning rate of all layers but the last, whose rate is --lr', '(default: that of --lr)'],
    ownDefault: true,
  },
  {
    flag: 'warmup',
    option: 'warmup',
    help: ['epochs in which the learning rate rises from a hundredth, a little each step'],
  },
  {
    flag: 'grad-clip',
    option: 'gradClip',
    help: ['the largest norm of all gradients together; larger ones are scaled down; 0: none'],
  },
  {
    flag: 'accumulate',
    option: 'accumulate',
    help: ['batches that make one step together, as one batch of all their pictures would,', 'in the memory of one'],
  },
];

const WORDS = [
  {
    name: 'optimizer',
    words: OPTIMIZERS,
    help: ['sgd or adamw; as in torch, adamw has a --weight-decay of 0.01 if you give none', '(default: sgd)'],
  },
  {
    name: 'schedule',
    words: SCHEDULES,
    help: [
      'step: the learning rate times --gamma every --step-size epochs; cosine: half a cosine',
      'down to 0; onecycle: up to --lr and down to nearly 0, with each step',
      '(default: step)',
    ],
  },
  {
    name: 'unfreeze',
    // Each network has its own: see `recipeOf`.
    words: undefined,
    help: [
      'the first block that learns, such as layer4 of a ResNet; those before it are frozen;',
      'a wrong name lists those of the network (default: the first, so all learn)',
    ],
  },
] as const;

/** What of the options of a run is a word here. */
export type LearningWords = Pick<TrainOptions, (typeof WORDS)[number]['name']>;

/** The flags whose values are words. */
export const LEARNING_WORDS: readonly string[] = WORDS.map(({ name }) => name);

/** Their explanations. */
export const LEARNING_HELP = WORDS.map(({ name, help }) => flagHelp(`${name} <name>`, help)).join('\n');

export const SEARCH_HELP = flagHelp('lr-find', [
  'train no model, but search a learning rate: 100 steps at rates from 1e-7 to 10, the loss',
  'at each as lr-find.png in the run folder, and a suggestion; keeps no weights',
]);

/** Flags of a search that a training must not have, or that it gets anew. */
const OWN_FLAGS: readonly string[] = ['lr-find', 'lr', 'out', 'json'];

/**
 * The flags to train with after a search; undefined if none is asked for.
 * @throws UsageError if a search is asked for in both modes
 */
export function searchFlags(
  values: Readonly<Record<string, string | boolean | undefined>>,
  several: boolean,
): readonly string[] | undefined {
  if (values['lr-find'] !== true) return undefined;
  if (several) throw new UsageError('--lr-find: each mode has a rate of its own; choose one --mode');
  return Object.entries(values)
    .filter(([flag]) => !OWN_FLAGS.includes(flag))
    .flatMap(([flag, value]) => (typeof value === 'string' ? [`--${flag}`, value] : [`--${flag}`]));
}

/** Tells how the network learns where that is not as in the tutorial. */
export function learningLines(learning: Readonly<Record<string, string | number>>): string[] {
  const parts = Object.entries(learning).map(([name, value]) => `${flagOf(name).slice(2)} ${value}`);
  return parts.length > 0 ? [`Not as in the tutorial: ${parts.join(', ')}`] : [];
}

/** The given words. @throws UsageError if one is unknown */
export function learningWords(text: (flag: string) => string | undefined): LearningWords {
  return Object.fromEntries(
    WORDS.flatMap(({ name, words }) => {
      const given = text(name);
      return given === undefined ? [] : [[name, words ? oneOf<string>(name, given, words) : given]];
    }),
  );
}

/**
 * Checks that no flag contradicts another, before anything is fetched.
 * @param net the network, if it is known
 * @throws UsageError
 */
export function checkLearning(
  given: LearningWords & Partial<Record<NumberOption, number>>,
  modes: readonly TrainMode[],
  net: Net | undefined,
): void {
  try {
    for (const mode of modes) recipeOf(given, mode, { net, shown: flagOf });
  } catch (error) {
    if (error instanceof UsageError && modes.length > 1) error.message += ' (--mode both has both modes)';
    throw error;
  }
}

/** `--lr-backbone` for `lrBackbone`. */
const flagOf = (option: string) => `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The demo's own settings, without those that the given words leave no room for. */
export function fittingSettings(
  settings: Partial<TrainOptions>,
  { optimizer, schedule = 'step' }: LearningWords,
): Partial<TrainOptions> {
  const without = new Set<string>([
    ...(optimizer === 'adamw' ? ['momentum', 'weightDecay'] : []),
    ...(schedule === 'onecycle' ? ['momentum'] : []),
    ...(schedule === 'step' ? [] : ['stepSize', 'gamma']),
  ]);
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !without.has(name)));
}
