/** What a reporter is told when everything is ready. */
import type { TrainMode } from '../models/types.ts';
import { isQuiet, type NumberOption, type NumberSettings, writtenNumbers } from '../plan/index.ts';
import { adapterKind } from './config.ts';
import { type Recipe, writtenRecipe } from './recipe.ts';
import { described } from './regularization.ts';
import type { SetUp } from './set-up.ts';
import type { RunStart } from './types.ts';

interface StartOptions {
  readonly mode: TrainMode;
  readonly settings: NumberSettings;
  readonly recipe: Recipe;
  readonly demo: boolean;
  /** The run folder. */
  readonly folder: string;
}

export function runStart(setUp: SetUp, { mode, settings, recipe, demo, folder }: StartOptions): RunStart {
  const { gpu, rehearsal, pictures, loaders, notes, skipped, regularization, start } = setUp;
  return {
    mode,
    ...(demo && { demo: true }),
    epochs: settings.epochs,
    adapter: gpu.traits.description,
    adapterKind: adapterKind(gpu.traits),
    memory: rehearsal.memory,
    folder,
    classes: pictures.classes,
    pictures: { train: pictures.train.length, val: pictures.val.length },
    leftOut: [...pictures.train.leftOut, ...pictures.val.leftOut],
    notRead: [...pictures.train.notRead, ...pictures.val.notRead],
    notes,
    batchSize: settings.batchSize,
    skipped,
    regularization: described(regularization, pictures.classes),
    learning: { ...writtenRecipe(recipe), ...quietNumbers(settings) },
    steps: { train: loaders.train.length, val: loaders.val.length },
    weights: start.description,
  };
}

/** The numbers that the tutorial has not, where they are not their defaults. */
function quietNumbers(settings: NumberSettings): Partial<NumberSettings> {
  const entries = Object.entries(writtenNumbers(settings)) as [NumberOption, number][];
  return Object.fromEntries(entries.filter(([name]) => isQuiet(name)));
}
