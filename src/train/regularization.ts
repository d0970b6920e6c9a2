/** What keeps a run from learning its pictures by heart: augmentation, mixup, smoothed labels; and weights of classes. */
import * as v from 'valibot';
import { type ImageDataset, POLICIES } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import type { Criterion } from '../models/criterion.ts';

/** What happens to each training picture: see `TrainOptions.augment`. */
export const AUGMENTS = ['tutorial', ...POLICIES, 'none'] as const;
/** A kind of augmentation: see `TrainOptions.augment`. */
export type Augment = (typeof AUGMENTS)[number];

/** The weight of each class by its name, or `balanced`: n / (k · count), as scikit-learn has it. */
export type ClassWeights = 'balanced' | Readonly<Record<string, number>>;

/** The options of a run that this file checks. */
export interface RegularizationOptions {
  /**
   * What happens to each training picture. `tutorial` (default): a crop of random size and shape, and a flip; `light`:
   * crops of at least half the picture, a flip, and slightly other colours; `strong`: the tutorial's crop and flip, one
   * random operation (TrivialAugmentWide), and sometimes an erased rectangle; `none`: what val does. A seed draws what it
   * draws in PyTorch.
   */
  readonly augment?: Augment | undefined;
  /** Mixes the pictures of each batch in pairs, by a share from Beta(mixup, mixup); default 0: not. 0.2 is usual. */
  readonly mixup?: number | undefined;
  /** Share of each target that is spread over all classes, 0 to 1; default 0. 0.1 is usual. */
  readonly labelSmoothing?: number | undefined;
  /** How much each class counts in the training loss; default: all alike. */
  readonly classWeights?: ClassWeights | undefined;
}

/** The options, checked. */
export interface Regularization {
  readonly augment: Augment;
  readonly mixup: number;
  readonly labelSmoothing: number;
  /** In the order of the labels; null if all count alike. */
  readonly classWeights: readonly number[] | null;
}

/** The options, checked; what depends on the pictures is still open. */
export interface OpenRegularization extends Omit<Regularization, 'classWeights'> {
  readonly classWeights: readonly number[] | 'balanced' | null;
}

/** The tutorial's. */
export const PLAIN: Regularization = { augment: 'tutorial', mixup: 0, labelSmoothing: 0, classWeights: null };

const MOST = { mixup: 1000, labelSmoothing: 1 } as const;

const isWeight = (weight: number) => Number.isFinite(weight) && weight > 0;

/** Checks a number of these options. @param shownAs its name in the error @throws UsageError */
export function checkShare(option: keyof typeof MOST, value: number, shownAs: string = option): number {
  if (value >= 0 && value <= MOST[option]) return value;
  throw new UsageError(`${shownAs}: expected a number from 0 to ${MOST[option]}, found ${value}`);
}

/** @throws UsageError */
export function checkAugment(augment: string, shownAs = 'augment'): Augment {
  const known = AUGMENTS.find((one) => one === augment);
  if (known) return known;
  throw new UsageError(`${shownAs}: expected ${AUGMENTS.join(', ')}, found ${JSON.stringify(augment)}`);
}

/** @param classes the names of the classes, in the order of the labels @throws UsageError */
export function regularizationOf(options: RegularizationOptions, classes: readonly string[]): OpenRegularization {
  const { augment, mixup, labelSmoothing, classWeights } = options;
  return {
    augment: checkAugment(augment ?? PLAIN.augment),
    mixup: checkShare('mixup', mixup ?? PLAIN.mixup),
    labelSmoothing: checkShare('labelSmoothing', labelSmoothing ?? PLAIN.labelSmoothing),
    classWeights: classWeights === undefined ? null : weightsOf(classWeights, classes),
  };
}

function weightsOf(given: ClassWeights, classes: readonly string[]): readonly number[] | 'balanced' {
  if (given === 'balanced') return given;
  const fail = (found: string): never => {
    throw new UsageError(
      `classWeights: expected "balanced", or a weight for each class (${classes.join(', ')}), found ${found}`,
    );
  };
  if (typeof given !== 'object' || given === null) return fail(JSON.stringify(given) ?? String(given));
  const names = Object.keys(given);
  const missing = classes.filter((name) => !Object.hasOwn(given, name));
  const unknown = names.filter((name) => !classes.includes(name));
  if (missing.length > 0) fail(`none for ${missing.join(', ')}`);
  if (unknown.length > 0) fail(`one for ${unknown.join(', ')}, which is no class`);
  return classes.map((name) => {
    const weight = given[name]!;
    return isWeight(weight) ? weight : fail(`${JSON.stringify(weight) ?? weight} for ${name}; a weight is more than 0`);
  });
}

/** Settles what depends on the pictures to train on. */
export function settle(open: OpenRegularization, { classes, samples }: ImageDataset): Regularization {
  const { classWeights } = open;
  if (classWeights !== 'balanced') return { ...open, classWeights };
  const counts = classes.map((_, label) => samples.filter((sample) => sample.label === label).length);
  return { ...open, classWeights: counts.map((count) => samples.length / (classes.length * count)) };
}

/** The loss of the train steps. */
export function criterionOf({ labelSmoothing, classWeights }: OpenRegularization, classes: number): Criterion {
  // Only whether there are any matters before they are settled.
  const weights = classWeights === 'balanced' ? Array<number>(classes).fill(1) : classWeights;
  return { labelSmoothing, ...(weights && { classWeights: weights }) };
}

/** Only what is not the tutorial's, for files. */
export function written(regularization: Regularization): Partial<Regularization> {
  const entries = Object.entries(regularization) as [keyof Regularization, unknown][];
  return Object.fromEntries(entries.filter(([name, value]) => value !== PLAIN[name]));
}

/** The same for people: class weights by name. */
export function described(regularization: Regularization, classes: readonly string[]) {
  const { classWeights, ...rest } = written(regularization);
  const byName = classWeights && Object.fromEntries(classes.map((name, label) => [name, classWeights[label]!]));
  return { ...rest, ...(byName && { classWeights: byName }) };
}

/** What files hold: see `written`. Older files have nothing of it. */
export const REGULARIZATION_SCHEMA = v.pipe(
  v.optional(
    v.object({
      augment: v.exactOptional(v.picklist(AUGMENTS)),
      mixup: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(MOST.mixup))),
      labelSmoothing: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(MOST.labelSmoothing))),
      classWeights: v.exactOptional(v.array(v.pipe(v.number(), v.check(isWeight, 'is no weight')))),
    }),
    {},
  ),
  v.transform((found): Regularization => ({ ...PLAIN, ...found })),
);
