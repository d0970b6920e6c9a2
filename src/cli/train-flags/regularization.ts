/** The flags against learning by heart: --augment, --mixup, --label-smoothing, --class-weights. */
import { readFileSync, statSync } from 'node:fs';
import { UsageError } from '../../errors.ts';
import {
  AUGMENTS,
  type ClassWeights,
  checkAugment,
  checkShare,
  type RegularizationOptions,
  type RunStart,
} from '../../train/index.ts';
import { checkExists, flagHelp, toNumber } from '../flags.ts';

/** Each takes a value. */
export const REGULARIZATION_FLAGS = ['augment', 'mixup', 'label-smoothing', 'class-weights'] as const;
type Flag = (typeof REGULARIZATION_FLAGS)[number];

export const REGULARIZATION_HELP = [
  flagHelp('augment <kind>', [
    `${AUGMENTS.join(', ')}: what happens to each training picture;`,
    'tutorial: a random crop and flip; light: crops of at least half the picture, a flip,',
    "slightly other colours; strong: the tutorial's, one of 14 random operations, sometimes an",
    'erased rectangle; none: as in val (default: tutorial)',
  ]),
  flagHelp('mixup <alpha>', [
    'mix the pictures of each batch in pairs, and their labels too; the share is drawn from',
    'Beta(alpha, alpha): 0.2 is usual, 0 mixes nothing (default: 0)',
  ]),
  flagHelp('label-smoothing <x>', [
    'share of each training label that is spread over all classes: 0.1 is usual (default: 0)',
  ]),
  flagHelp('class-weights <w>', [
    'balanced: rare classes count as much as frequent ones in the training loss; or a file',
    'with a JSON object of all classes, {"ants": 1, "bees": 2.5} (default: every picture alike)',
  ]),
].join('\n');

/** More is no list of classes. */
const MOST_BYTES = 2 ** 20;

/**
 * @param text the value of a flag, if it is given
 * @throws UsageError naming the flag or the file
 */
export function parseRegularization(text: (flag: Flag) => string | undefined): RegularizationOptions {
  const augment = text('augment');
  const weights = text('class-weights');
  const share = (flag: Flag, option: 'mixup' | 'labelSmoothing') => {
    const given = text(flag);
    return given === undefined ? undefined : checkShare(option, toNumber(flag, given), `--${flag}`);
  };
  const options: RegularizationOptions = {
    augment: augment === undefined ? undefined : checkAugment(augment, '--augment'),
    mixup: share('mixup', 'mixup'),
    labelSmoothing: share('label-smoothing', 'labelSmoothing'),
    classWeights: weights === undefined || weights === 'balanced' ? weights : readWeights(weights),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function readWeights(path: string): ClassWeights {
  checkExists('--class-weights', path, 'file');
  const fail = (found: string): never => {
    throw new UsageError(
      `--class-weights: ${path}: expected a JSON object of class names and weights, such as {"ants": 1, "bees": 2.5}, ` +
        `found ${found}`,
    );
  };
  const { size } = statSync(path);
  if (size > MOST_BYTES) return fail(`${size} bytes`);
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`no JSON (${(error as Error).message})`);
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    return fail(JSON.stringify(found).slice(0, 80));
  for (const [name, weight] of Object.entries(found)) {
    if (!(Number.isFinite(weight) && weight > 0))
      return fail(`${JSON.stringify(weight)} for ${name}; a weight is more than 0`);
  }
  return found as Readonly<Record<string, number>>;
}

/** Tells what differs from the tutorial; nothing if nothing does. */
export function regularizationLines({
  augment,
  mixup,
  labelSmoothing,
  classWeights,
}: NonNullable<RunStart['regularization']>) {
  const parts = [
    ...(augment ? [`augment ${augment}`] : []),
    ...(mixup ? [`mixup ${mixup}`] : []),
    ...(labelSmoothing ? [`label smoothing ${labelSmoothing}`] : []),
    ...(classWeights ? [`class weights ${weightsText(classWeights)}`] : []),
  ];
  return parts.length > 0 ? [`Not the tutorial's: ${parts.join(', ')}`] : [];
}

const MOST_NAMED = 8;

function weightsText(weights: Readonly<Record<string, number>>): string {
  const entries = Object.entries(weights);
  const named = entries.slice(0, MOST_NAMED).map(([name, weight]) => `${name} ${Number(weight.toFixed(3))}`);
  return entries.length > MOST_NAMED
    ? `${named.join(', ')}, and ${entries.length - MOST_NAMED} more`
    : named.join(', ');
}
