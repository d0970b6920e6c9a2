/** The flags of `npm run train`: reading, checking and explaining them. */
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { TRAIN_MODES, type TrainMode } from '../models/types.ts';
import { checkNumber, NUMBER_OPTIONS, type NumberOption } from '../plan/index.ts';
import { called } from './called.ts';
import { ADAPTERS, checkExists, flagHelp, oneOf, toNumber } from './flags.ts';

const MODES = [...TRAIN_MODES, 'both'] as const;

/** Given instead of a file. */
export const NO_WEIGHTS = 'none';

/** The checked command line. */
export interface TrainCommand {
  readonly modes: readonly TrainMode[];
  /** From the flag or the variable; undefined without either. */
  readonly data: string | undefined;
  /** The same; NO_WEIGHTS if all weights are drawn at random. */
  readonly weights: string | undefined;
  /** Whether the user asked for the built-in demo. Variables are then ignored. */
  readonly demo: boolean;
  readonly numbers: Readonly<Partial<Record<NumberOption, number>>>;
  readonly adapter: AdapterPreference | undefined;
  /** Whether to use the kernel choices measured on this machine, and to measure if no table covers the adapter. */
  readonly tunes: boolean;
  readonly out: string | undefined;
  readonly json: boolean;
}

/** Each numeric flag with its option and its explanation for --help, on as many lines as needed. */
const NUMBER_FLAGS: readonly { flag: string; option: NumberOption; help: readonly string[] }[] = [
  { flag: 'epochs', option: 'epochs', help: ['how often all train pictures are gone through'] },
  { flag: 'batch-size', option: 'batchSize', help: ['pictures per step'] },
  { flag: 'lr', option: 'lr', help: ['learning rate of the first epochs'] },
  { flag: 'momentum', option: 'momentum', help: ["share of the last step's direction in this one's"] },
  { flag: 'weight-decay', option: 'weightDecay', help: ['pull of all weights towards 0'] },
  { flag: 'step-size', option: 'stepSize', help: ['epochs until the learning rate changes, again and again'] },
  { flag: 'gamma', option: 'gamma', help: ['factor of that change'] },
  { flag: 'seed', option: 'seed', help: ['decides all random numbers, and is the same seed as in PyTorch'] },
  {
    flag: 'workers',
    option: 'workers',
    help: [
      "PyTorch's num_workers: only which random numbers each picture gets;",
      'the same number gives the same crops',
    ],
  },
  {
    flag: 'threads',
    option: 'threads',
    help: ['threads that decode pictures; changes no result', '(default: one per core, at most 4)'],
  },
  {
    flag: 'image-size',
    option: 'imageSize',
    help: [
      'side of the square the network sees, pixels; others than',
      'what the weights were trained on cost accuracy',
    ],
  },
];

export const HELP = `Usage: ${called('train')} [--data <folder>] [--weights <file|none>] [flags]

Trains a ResNet on a folder of pictures as PyTorch's transfer-learning tutorial does, and keeps the weights that were
best on the validation pictures. What is not named is the tutorial's: downloaded once, 47 MB of pictures and 47 MB of
weights. If nothing is named and these cannot be reached, it trains the built-in demo, and says so.

${flagHelp('data <folder>', [
  'holds train/ and val/, each with one folder of pictures per class',
  "(default: $DAWNGRAD_DATA, else the tutorial's ants and bees)",
])}
${flagHelp('weights <file>', [
  'a .pth or .safetensors checkpoint of a resnet18 or resnet34 to start from; its',
  'last layer is used only if it is for as many classes, and for the same ones where',
  'the file names them; "none" draws all weights of a resnet18 anew',
  "(default: $DAWNGRAD_WEIGHTS, else torchvision's resnet18)",
])}
${flagHelp('demo', [
  'train the built-in demo: small pictures of insects that the program draws from the',
  'seed, from no weights, with settings of its own where flags give no others',
])}
${flagHelp('mode <mode>', [
  'finetune: train all parameters; extract: freeze all but a new last layer;',
  'both: one after the other, each from the seed anew, into <out>/finetune',
  'and <out>/extract (default: finetune)',
])}
${NUMBER_FLAGS.map(({ flag, option, help }) => flagHelp(`${flag} <n>`, withDefault(option, help))).join('\n')}
${flagHelp('adapter <kind>', [`${ADAPTERS.join(', ')}`, '(default: high-performance, which is software where there is nothing else)'])}
${flagHelp('no-tune', [
  'choose kernels by the shipped tables only: neither by what `tune` has measured here,',
  'nor, on an adapter that no table knows, by measuring first',
])}
${flagHelp('out <folder>', ['the run folder; must not hold a run yet (default: runs/<time>-<mode>)'])}
${flagHelp('json', ['print one line of JSON per epoch and phase, and nothing else, on stdout'])}
${flagHelp('safe', ["keep Dawn's validation and the shaders' bounds checks on; they are on in any case,", 'because switching them off makes a step only 2 % faster'])}
${flagHelp('help', ['print this'], 'h')}

Downloads are kept in a cache folder: $DAWNGRAD_CACHE, else the system's (~/.cache/dawngrad on Linux). The addresses are
$DAWNGRAD_DATA_URL and $DAWNGRAD_WEIGHTS_URL, else the official ones; HTTPS_PROXY, HTTP_PROXY and NO_PROXY are heeded.

The run folder gets config.json (all that decides the result), metrics.jsonl (a line per epoch and phase),
best.safetensors (the best weights; can be given to --weights) and summary.json, and pictures: train-batch.png (the
first batch), curves.png (loss and accuracy) and predictions.png (some of val). Each is written whole or not at all.

Ctrl-C ends the run after the current step and keeps the best weights so far; a second Ctrl-C ends it at once.

Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
`;

function withDefault(option: NumberOption, help: readonly string[]): string[] {
  // A default that depends on the machine is described in words.
  if (option === 'threads') return [...help];
  return [...help.slice(0, -1), `${help.at(-1)} (default: ${NUMBER_OPTIONS[option].default})`];
}

/**
 * @param env holds DAWNGRAD_DATA and DAWNGRAD_WEIGHTS
 * @throws UsageError naming the flag
 */
export function parseTrainFlags(argv: readonly string[], env: NodeJS.ProcessEnv): TrainCommand | 'help' {
  const values = parse(argv);
  if (values.help === true) return 'help';
  const text = (flag: string) => values[flag] as string | undefined;
  const numbers: Partial<Record<NumberOption, number>> = {};
  for (const { flag, option } of NUMBER_FLAGS) {
    const given = text(flag);
    if (given !== undefined) numbers[option] = checkNumber(option, toNumber(flag, given), `--${flag}`);
  }
  const mode = oneOf('mode', text('mode') ?? 'finetune', MODES);
  const adapter = text('adapter');
  const demo = values.demo === true;
  if (demo && (text('data') ?? text('weights')) !== undefined) {
    throw new UsageError(
      '--demo: trains on pictures of its own and from no weights; give neither --data nor --weights',
    );
  }
  if (text('out') === '') throw new UsageError('--out: expected a folder, found an empty text');
  return {
    modes: mode === 'both' ? TRAIN_MODES : [mode],
    data: demo ? undefined : locate('data', text('data'), env, 'folder'),
    weights: demo ? undefined : locate('weights', text('weights'), env, 'file'),
    demo,
    numbers,
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
    tunes: values['no-tune'] !== true,
    out: text('out'),
    json: values.json === true,
  };
}

function parse(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const withValue = ['data', 'weights', 'mode', 'adapter', 'out', ...NUMBER_FLAGS.map(({ flag }) => flag)];
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(withValue.map((flag) => [flag, { type: 'string' as const }])),
        demo: { type: 'boolean' },
        'no-tune': { type: 'boolean' },
        json: { type: 'boolean' },
        safe: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A path from its flag, else from its variable; it must exist. */
function locate(
  flag: 'data' | 'weights',
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  kind: 'file' | 'folder',
): string | undefined {
  const variable = `DAWNGRAD_${flag.toUpperCase()}`;
  const path = given ?? (env[variable] || undefined);
  if (path === undefined || (flag === 'weights' && path === NO_WEIGHTS)) return path;
  return checkExists(given === undefined ? variable : `--${flag}`, path, kind);
}
