/** The flags of `train --mode probe`, and what does not go with it. */
import { UsageError } from '../../errors.ts';
import { checkViews, MOST_VIEWS, PROBE_DEFAULTS, type TrainOptions } from '../../train/index.ts';
import { flagHelp, toNumber } from '../flags.ts';

/** Flags with a value. */
export const PROBE_VALUES = ['views'] as const;
/** Flags without one. */
export const PROBE_SWITCHES = ['no-feature-cache'] as const;

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Flags of settings that mean nothing to a probe. */
const NOT_FOR_PROBES: readonly string[] = [
  ...['step-size', 'gamma', 'workers', 'save-every', 'mixup', 'freeze-epochs', 'lr-backbone', 'warmup', 'grad-clip'],
  ...['accumulate', 'optimizer', 'schedule', 'unfreeze', 'lr-find'],
];

const { epochs, batchSize, lr } = PROBE_DEFAULTS;

export const PROBE_HELP = `${flagHelp('views <n>', [
  `probe: views of each train picture, 1 to ${MOST_VIEWS}: its centre, and crops and flips drawn as`,
  'the tutorial draws them; each takes as long as the first (default: 1)',
])}
${flagHelp('no-feature-cache', ['probe: neither use nor keep features in the cache folder'])}`;

/** For the end of --help. */
export const PROBE_NOTE = `--mode probe is not the tutorial's: each picture goes through the network once, and the last layer is trained on
what comes out, in one step an epoch. It needs trained weights. Its defaults are --epochs ${epochs}, --batch-size ${batchSize} (pictures
at once through the network, which changes no result), --lr ${lr}, and a --weight-decay of 25 / train pictures, at
most 0.1. What the network gave is kept in the cache folder: the next probe computes only what is new. A probe that was
stopped has no state for --resume: run it again.`;

/**
 * The options of a probe.
 * @throws UsageError if a flag is for probes and this is none, or this is one and a flag does not go with it
 */
export function probeOptions(isProbe: boolean, values: Values): Pick<TrainOptions, 'views' | 'featureCache'> {
  const own = [...PROBE_VALUES, ...PROBE_SWITCHES].find((flag) => values[flag] !== undefined);
  if (!isProbe) {
    if (own) throw new UsageError(`--${own}: is only for --mode probe`);
    return {};
  }
  const unused = NOT_FOR_PROBES.find((flag) => values[flag] !== undefined);
  if (unused) throw new UsageError(`--${unused}: means nothing to --mode probe; leave it out`);
  if (values.demo === true) throw new UsageError(`--demo: ${NO_RANDOM_WEIGHTS}; leave out --mode probe`);
  const views = values.views as string | undefined;
  return {
    ...(views !== undefined && { views: checkViews(toNumber('views', views), '--views') }),
    ...(values['no-feature-cache'] === true && { featureCache: false }),
  };
}

/** Why neither the demo nor `--weights none` can be probed. */
export const NO_RANDOM_WEIGHTS =
  'draws its weights at random, and a linear probe needs those of a trained network (random ones give no features)';
