/** How a run learns, beside its numbers: optimizer, schedule, frozen blocks. And which options contradict each other. */
import { UsageError } from '../errors.ts';
import type { Net } from '../models/net.ts';
import { OPTIMIZERS, type OptimizerName, type TrainMode } from '../models/types.ts';
import { NUMBER_OPTIONS, type NumberOption } from '../plan/index.ts';

/** The schedules of the learning rate. */
export const SCHEDULES = ['step', 'cosine', 'onecycle'] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** The choices of a run that are words. */
export interface Recipe {
  readonly optimizer: OptimizerName;
  readonly schedule: ScheduleName;
  /** The first block that learns; undefined if all do. */
  readonly unfreeze: string | undefined;
}

/** The tutorial's. */
export const TUTORIAL_RECIPE: Recipe = { optimizer: 'sgd', schedule: 'step', unfreeze: undefined };

/** torch's default for AdamW. SGD has none, as in the tutorial. */
const ADAMW_WEIGHT_DECAY = 0.01;

/** The options that decide how a run learns. */
export type RecipeOptions = Partial<Record<NumberOption, number | undefined>> & {
  readonly [Name in keyof Recipe]?: Recipe[Name] | undefined;
};

/** Without what is the default: files of the tutorial's run stay as they were before there was a choice. */
export function writtenRecipe(recipe: Recipe): Partial<Record<keyof Recipe, string>> {
  const entries = Object.entries(recipe) as [keyof Recipe, string | undefined][];
  return Object.fromEntries(entries.filter(([name, value]) => value !== TUTORIAL_RECIPE[name]));
}

/** What else decides whether options contradict each other, and how messages name them. */
export interface RecipeContext {
  /** The network of the run, once it is known. */
  readonly net?: Pick<Net, 'name' | 'blocks'> | undefined;
  /** How messages name an option: `lrBackbone`, or `--lr-backbone` on the command line. */
  readonly shown?: ((name: string) => string) | undefined;
}

/**
 * Checks the words, and that no option has another that it contradicts.
 * @throws UsageError
 */
export function recipeOf(
  options: RecipeOptions,
  mode: TrainMode,
  { net, shown = (name) => name }: RecipeContext = {},
): Recipe {
  const word = <Word extends string>(name: 'optimizer' | 'schedule', known: readonly Word[]): Word => {
    const given = options[name] ?? TUTORIAL_RECIPE[name];
    const found = known.find((one) => one === given);
    if (found) return found;
    throw new UsageError(`${shown(name)}: expected ${known.join(', ')}, found ${JSON.stringify(given)}`);
  };
  const recipe: Recipe = {
    optimizer: word('optimizer', OPTIMIZERS),
    schedule: word('schedule', SCHEDULES),
    unfreeze: firstBlock(options.unfreeze, net, shown('unfreeze')),
  };
  for (const [name, reason] of contradictions(options, mode, recipe, net)) {
    throw new UsageError(`${shown(name)}: ${reason(shown)}`);
  }
  return recipe;
}

/** Undefined if it is the network's first, so that all learn. */
function firstBlock(given: string | undefined, net: RecipeContext['net'], shownAs: string): string | undefined {
  if (!net || given === undefined) return given;
  if (net.blocks.includes(given)) return given === net.blocks[0] ? undefined : given;
  throw new UsageError(
    `${shownAs}: expected a block of a ${net.name}: ${net.blocks.join(', ')}, found ${JSON.stringify(given)}`,
  );
}

type Contradiction = readonly [name: keyof RecipeOptions, reason: (shown: (name: string) => string) => string];

function* contradictions(
  options: RecipeOptions,
  mode: TrainMode,
  recipe: Recipe,
  net: RecipeContext['net'],
): Generator<Contradiction> {
  // No frozen epochs are as good as none given.
  const isGiven = (name: keyof RecipeOptions) =>
    options[name] !== undefined && !(name === 'freezeEpochs' && options[name] === 0);
  const numberOf = (name: NumberOption) => options[name] ?? NUMBER_OPTIONS[name].default;
  const backbone = (['unfreeze', 'freezeEpochs', 'lrBackbone'] as const).filter(isGiven);
  if (mode !== 'finetune') {
    for (const name of backbone) {
      yield [name, (shown) => `only the last layer learns in the ${shown('mode')} ${mode}; leave one of the two out`];
    }
  }
  const head = net?.blocks.at(-1);
  if (head !== undefined && recipe.unfreeze === head) {
    for (const name of backbone.slice(1)) {
      yield [name, (shown) => `only the last layer learns with ${shown('unfreeze')} ${head}; leave one of the two out`];
    }
  }
  const [epochs, freeze, warmup] = [numberOf('epochs'), numberOf('freezeEpochs'), numberOf('warmup')];
  if (freeze >= epochs) {
    const remedy = (shown: (name: string) => string) =>
      `expected fewer than the ${epochs} ${shown('epochs')}, so that all layers learn at last, found ${freeze}`;
    yield ['freezeEpochs', remedy];
  }
  if (warmup > epochs)
    yield ['warmup', (shown) => `expected at most the ${epochs} ${shown('epochs')}, found ${warmup}`];
  if (numberOf('minEpochs') > 0 && numberOf('patience') === 0) {
    yield ['minEpochs', (shown) => `does nothing without ${shown('patience')}; give that too, or leave it out`];
  }
  if (recipe.optimizer === 'adamw' && isGiven('momentum')) {
    yield ['momentum', (shown) => `is that of SGD; leave it out with ${shown('optimizer')} adamw`];
  }
  if (recipe.schedule !== 'step') {
    for (const name of (['stepSize', 'gamma'] as const).filter(isGiven)) {
      yield [name, (shown) => `belongs to ${shown('schedule')} step; leave it out with ${recipe.schedule}`];
    }
  }
  if (recipe.schedule !== 'onecycle') return;
  if (warmup > 0)
    yield ['warmup', (shown) => `${shown('schedule')} onecycle begins with a rise of its own; leave it out`];
  if (isGiven('momentum')) {
    yield ['momentum', (shown) => `${shown('schedule')} onecycle moves it between 0.95 and 0.85; leave it out`];
  }
}

/** The options with torch's default of the optimizer for those that were not given. */
export function withOptimizerDefaults<Options extends RecipeOptions>(options: Options, { optimizer }: Recipe): Options {
  const { weightDecay = optimizer === 'adamw' ? ADAMW_WEIGHT_DECAY : undefined } = options;
  return { ...options, weightDecay };
}

/** Whether a run of this recipe can have another number of epochs when it goes on: its rates depend on it. */
export function hasFixedLength({ schedule }: Recipe): boolean {
  return schedule !== 'step';
}
