/** The settings of a linear probe: its own defaults, and what it does not take. */

import type { TrainTransform } from '../../data/index.ts';
import { UsageError } from '../../errors.ts';
import { type NumberSettings, numberSettings } from '../../plan/index.ts';
import type { TrainOptions } from '../options.ts';
import { recipeOf } from '../recipe.ts';
import { type OpenRegularization, PLAIN, regularizationOf } from '../regularization.ts';

/** The numbers of a run that a probe takes. One step is all pictures, at one rate, and nothing is saved in between. */
const TAKEN = [
  ...(['epochs', 'lr', 'momentum', 'weightDecay', 'patience', 'minEpochs', 'seed'] as const),
  ...(['batchSize', 'imageSize', 'maxPixels', 'threads', 'watchdog'] as const),
];
type Taken = (typeof TAKEN)[number];

/** Options of other kinds that mean nothing to a probe. */
const NOT_TAKEN: readonly string[] = ['mixup', 'optimizer', 'schedule', 'unfreeze'];

/** A probe's settings: those of a run that it takes, and its views. */
export interface ProbeSettings extends Pick<NumberSettings, Taken> {
  /** Views of each train picture: the centre, and crops and flips drawn as the tutorial draws them. */
  readonly views: number;
}

/**
 * With these three seeds on the tutorial's pictures end at a val accuracy of 0.954, from one view; five give 0.961 and
 * take three times as long. The rate is 20 times below what makes full steps on standardised features overshoot. Eight
 * pictures at once are the fastest on a software adapter (4: 4 % slower, 16: 15 %, 32: 25 %).
 */
export const PROBE_DEFAULTS = { epochs: 100, batchSize: 8, lr: 0.02, momentum: 0.9, views: 1 } as const;

/**
 * The decay that goes with a prior of fixed strength on the layer's weights: 25 pictures' worth. Of fewer than 250 it
 * would be stronger than any that helped.
 */
export function defaultWeightDecay(pictures: number): number {
  return Math.min(0.1, 25 / pictures);
}

/** The most views of a picture: a thread holds all of them at once. */
export const MOST_VIEWS = 64;

/** @param shownAs the option's name in the error @throws UsageError */
export function checkViews(views: number, shownAs = 'views'): number {
  if (Number.isSafeInteger(views) && views >= 1 && views <= MOST_VIEWS) return views;
  throw new UsageError(`${shownAs}: expected a whole number from 1 to ${MOST_VIEWS}, found ${views}`);
}

/**
 * The settings of a probe on so many train pictures.
 * @throws UsageError if one is invalid, means nothing to a probe, or does nothing beside the others
 */
export function probeSettings(options: TrainOptions, pictures: number): ProbeSettings {
  const { views, ...defaults } = PROBE_DEFAULTS;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all = numberSettings({ ...defaults, weightDecay: defaultWeightDecay(pictures), ...given });
  const isTaken = (name: string) => TAKEN.some((one) => one === name);
  const refused = [...Object.keys(all).filter((name) => !isTaken(name)), ...NOT_TAKEN];
  const unused = refused.find((name) => name in given);
  if (unused) throw new UsageError(`${unused}: means nothing to mode 'probe'; leave it out`);
  // What contradicts itself in a run does so here.
  recipeOf(given, 'probe');
  const taken = Object.fromEntries(TAKEN.map((name) => [name, all[name]])) as Record<Taken, number>;
  return { ...taken, views: checkViews(options.views ?? views) };
}

/**
 * A probe takes class weights and smoothed labels as they are, and `augment` for the views beside the centre. It takes no
 * mixup: a mixture would be another picture in each epoch.
 * @throws UsageError
 */
export function probeRegularization(
  options: TrainOptions,
  classes: readonly string[],
  { views }: Pick<ProbeSettings, 'views'>,
): OpenRegularization {
  const regularization = regularizationOf(options, classes);
  const { augment } = regularization;
  if (augment === 'none' && views > 1) {
    throw new UsageError("augment: with 'none' all views are the same; leave out views, or choose another");
  }
  if (augment !== 'none' && augment !== PLAIN.augment && views === 1) {
    throw new UsageError(
      "augment: in mode 'probe' only views beside the centre are augmented; ask for views (--views), such as 5",
    );
  }
  return regularization;
}

/** What views get beyond the tutorial's crop and flip. */
export function policyOf({ augment }: OpenRegularization): TrainTransform['augment'] {
  return augment === 'tutorial' || augment === 'none' ? undefined : augment;
}

/** @throws UsageError if an option is only for probes */
export function refuseProbeOptions(options: TrainOptions): void {
  for (const name of ['views', 'featureCache'] as const) {
    if (options[name] !== undefined) throw new UsageError(`${name}: is only for mode 'probe'; leave it out`);
  }
}

/** What decides how pictures are found and read. It depends on no number of pictures. @throws UsageError */
export function readingSettings(options: TrainOptions): Pick<NumberSettings, 'seed' | 'threads' | 'maxPixels'> {
  const { seed, threads, maxPixels } = options;
  return numberSettings({ seed, threads, maxPixels });
}
