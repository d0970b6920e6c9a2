/** Reads, checks and explains the flags of `npm run train`. */

import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { type Architecture, TRAIN_MODES, type TrainMode, TUTORIAL_MODES } from '../models/types.ts';
import { checkNumber, NUMBER_OPTIONS, type NumberOption } from '../plan/index.ts';
import {
  type DataSettings,
  ON_DIVERGENCE,
  type OnDivergence,
  type RegularizationOptions,
  type TrainOptions,
} from '../train/index.ts';
import { called } from './called.ts';
import { checkData, DATA_HELP, DATA_OPTIONS, parseDataFlags } from './data-flags.ts';
import { EXIT_HELP } from './exit-status.ts';
import { ADAPTERS, checkExists, checkWeights, flagHelp, oneOf, toNumber } from './flags.ts';
import { HEAD_HELP, parseHead } from './onnx-flags.ts';
import { parseArgs } from './parse-args.ts';
import {
  checkLearning,
  LEARNING_HELP,
  LEARNING_NUMBERS,
  LEARNING_WORDS,
  type LearningWords,
  learningWords,
  type NumberFlag,
  SEARCH_HELP,
  searchFlags,
} from './train-flags/learning.ts';
import { ARCH_HELP, netBeforeReading, parseArch } from './train-flags/network.ts';
import {
  NO_RANDOM_WEIGHTS,
  PROBE_HELP,
  PROBE_NOTE,
  PROBE_SWITCHES,
  PROBE_VALUES,
  probeOptions,
} from './train-flags/probe.ts';
import { parseRegularization, REGULARIZATION_FLAGS, REGULARIZATION_HELP } from './train-flags/regularization.ts';

const MODES = [...TRAIN_MODES, 'both'] as const;

/** The value of --weights that names no file: all weights are then drawn at random. */
export const NO_WEIGHTS = 'none';

/** The checked command line. */
export interface TrainCommand {
  readonly modes: readonly TrainMode[];
  /** From the flag or the variable; undefined if neither is given. */
  readonly data: string | undefined;
  readonly dataSettings: DataSettings;
  /** As `data`; NO_WEIGHTS if all weights are drawn at random. */
  readonly weights: string | undefined;
  readonly arch: Architecture | undefined;
  /** Of weights in an ONNX file: where the network ends. */
  readonly head: string | undefined;
  /** Whether the user asked for the built-in demo. Variables are then ignored. */
  readonly demo: boolean;
  readonly numbers: Readonly<Partial<Record<NumberOption, number>>>;
  readonly words: LearningWords;
  /** Augmentation, mixup, smoothed labels and class weights; only those that are given. */
  readonly regularization: RegularizationOptions;
  readonly adapter: AdapterPreference | undefined;
  /** Whether to go on without pictures that cannot be read. */
  readonly skipBroken: boolean;
  /** Undefined if not given: then that of the run with --resume, else `stop`. */
  readonly onDivergence: OnDivergence | undefined;
  /** Whether to use the kernel choices measured on this machine, and to measure if no table covers the adapter. */
  readonly tunes: boolean;
  readonly out: string | undefined;
  /** The folder of a run to go on with. Then data is only where the pictures are now, and mode and weights are the run's. */
  readonly resume: string | undefined;
  readonly json: boolean;
  /** Set for a search of the learning rate: the flags to train with afterwards, without `--lr`. */
  readonly lrFind: readonly string[] | undefined;
  /** Whether to write event files for TensorBoard. */
  readonly tensorboard: boolean;
  /** Options of mode `probe` only. */
  readonly probe: Pick<TrainOptions, 'views' | 'featureCache'>;
}

const NUMBER_FLAGS: readonly NumberFlag[] = [
  { flag: 'epochs', option: 'epochs', help: ['passes over all training pictures'] },
  { flag: 'batch-size', option: 'batchSize', help: ['pictures per step'] },
  { flag: 'lr', option: 'lr', help: ['learning rate of the first epochs'] },
  { flag: 'momentum', option: 'momentum', help: ["share of the previous step's direction in each step"] },
  { flag: 'weight-decay', option: 'weightDecay', help: ['how strongly all weights are pulled towards 0'] },
  { flag: 'step-size', option: 'stepSize', help: ['epochs between changes of the learning rate'] },
  { flag: 'gamma', option: 'gamma', help: ['factor of each of these changes'] },
  { flag: 'seed', option: 'seed', help: ['decides all random numbers; means the same as in PyTorch'] },
  {
    flag: 'workers',
    option: 'workers',
    help: [
      "PyTorch's num_workers: decides only which random numbers each picture gets;",
      'the same number as in PyTorch gives the same crops',
    ],
  },
  {
    flag: 'threads',
    option: 'threads',
    help: ['threads that decode pictures; changes no result', '(default: one per core, at most 4)'],
    // It depends on the machine.
    ownDefault: true,
  },
  {
    flag: 'image-size',
    option: 'imageSize',
    help: [
      'side of the square that the network sees, in pixels; 160 has half of the pixels of 224,',
      'and another size than the weights were trained on costs some accuracy',
      '(default: the size that a run wrote into its weights, else 224)',
    ],
    // It depends on the weights.
    ownDefault: true,
  },
  { flag: 'max-pixels', option: 'maxPixels', help: ['refuse pictures of more pixels, as Pillow does'] },
  {
    flag: 'save-every',
    option: 'saveEvery',
    help: ['steps between two saves inside an epoch; 0: only the ends of epochs are saved'],
  },
  {
    flag: 'patience',
    option: 'patience',
    help: ['end the run when val has not improved for so many epochs, in neither loss', 'nor accuracy; 0: never'],
  },
  { flag: 'min-epochs', option: 'minEpochs', help: ['epochs before --patience may end the run'] },
  {
    flag: 'watchdog',
    option: 'watchdog',
    help: [
      'seconds to wait for the result of a step, after the first, before the device',
      'counts as hung; 0: for ever',
    ],
  },
  ...LEARNING_NUMBERS,
];

/** Flags that may stand beside --resume. */
const WITH_RESUME: readonly string[] = [
  ...['resume', 'data', 'epochs', 'patience', 'min-epochs', 'threads', 'save-every', 'watchdog', 'on-divergence'],
  ...['adapter', 'no-tune', 'json', 'tensorboard', 'safe', 'help'],
];

export const HELP = `Usage: ${called('train')} [--data <folder>] [--weights <file|none>] [flags]

Trains a network on a folder of pictures as PyTorch's transfer-learning tutorial does, and keeps the weights that were
best on the validation pictures. By default it downloads the tutorial's files once: 47 MB of pictures and 47 MB of
weights. If you name nothing and these cannot be reached, it trains the built-in demo and says so.

${flagHelp('data <folder>', [
  'holds train/ and val/ (or valid/, test/), each with one folder of pictures per class;',
  'or class folders alone; or is a list, .csv or .jsonl: path, label, and split if any',
  "(default: $DAWNGRAD_DATA, else the tutorial's ants and bees)",
])}
${DATA_HELP}
${flagHelp('weights <file>', [
  'a .pth or .safetensors checkpoint of a network of --arch to start from, or the',
  'folder of a run; its last layer is used only if it has the same number of classes',
  'and, if the file names them, the same classes; of a file with several state dicts,',
  '<file>#<name> takes one',
  '(model.pth#state_dict_ema); an .onnx file of any classifier made of ops that there are here;',
  '"none" draws all weights at random, see --arch',
  "(default: $DAWNGRAD_WEIGHTS, else torchvision's resnet18)",
])}
${ARCH_HELP}
${HEAD_HELP}
${flagHelp('demo', [
  'train the built-in demo: a network with random weights on small pictures of insects',
  'that the program draws from the seed; it has its own defaults for the flags',
])}
${flagHelp('mode <mode>', [
  'finetune: train all parameters; extract: freeze all but a new last layer;',
  'both: one after the other, each from the same seed, into <out>/finetune',
  "and <out>/extract; probe: not the tutorial's, but the fastest, see the end",
  '(default: finetune)',
])}
${NUMBER_FLAGS.map((one) => flagHelp(`${one.flag} <n>`, withDefault(one))).join('\n')}
${LEARNING_HELP}
${SEARCH_HELP}
${PROBE_HELP}
${REGULARIZATION_HELP}
${flagHelp('skip-broken', [
  'go on without pictures that cannot be read, and say which; by default they end the',
  'run before its first step',
])}
${flagHelp('on-divergence <do>', [
  `${ON_DIVERGENCE.join(' or ')}: whether the run ends when a loss is not finite or a million`,
  'times that of the start (default: stop)',
])}
${flagHelp('adapter <kind>', [`${ADAPTERS.join(', ')}`, '(default: high-performance, which is software if there is no other)'])}
${flagHelp('no-tune', [
  'choose kernels by the shipped tables only: ignore the results of `tune`, and do not',
  'measure first on an adapter that no table covers',
])}
${flagHelp('out <folder>', ['the run folder; must not hold a run yet (default: runs/<time>-<mode>)'])}
${flagHelp('resume <folder>', [
  'go on with the run in this folder, from its last.safetensors; needs no other flag;',
  '--epochs may be raised, also after the run has ended, and --patience changed',
])}
${flagHelp('json', ['print one line of JSON per epoch and phase, and nothing else, on stdout'])}
${flagHelp('tensorboard', ['also write losses and accuracies for TensorBoard into the run folder'])}
${flagHelp('safe', ["keep Dawn's validation and the shaders' bounds checks on; they are always on,", 'because switching them off makes a step only 2 % faster'])}
${flagHelp('help', ['print this'], 'h')}

Downloads are kept in a cache folder: $DAWNGRAD_CACHE, else the system's (~/.cache/dawngrad on Linux). The addresses are
$DAWNGRAD_DATA_URL and $DAWNGRAD_WEIGHTS_URL, else the official ones; HTTPS_PROXY, HTTP_PROXY and NO_PROXY apply.

The run folder gets config.json (all that decides the result), metrics.jsonl (a line per epoch and phase),
best.safetensors (the best weights, also for --weights), last.safetensors (what --resume needs) and summary.json. It
also gets pictures: train-batch.png (the first batch), curves.png (loss and accuracy) and predictions.png (some of val).
Each is written whole or not at all.

Ctrl-C, SIGTERM and SIGHUP stop the run after the current step and save it for --resume; the second one stops it at
once. Before the first step all pictures are read once (of more than 20,000 only the headers), while kernels compile.

${PROBE_NOTE}

${EXIT_HELP}
`;

function withDefault({ option, help, ownDefault }: NumberFlag): readonly string[] {
  if (ownDefault) return help;
  return [...help.slice(0, -1), `${help.at(-1)} (default: ${NUMBER_OPTIONS[option].default})`];
}

/**
 * @param env holds DAWNGRAD_DATA and DAWNGRAD_WEIGHTS
 * @throws UsageError naming the flag, argument or variable that is wrong
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
  const modes = mode === 'both' ? TUTORIAL_MODES : [mode];
  const words = learningWords(text);
  const adapter = text('adapter');
  const onDivergence = text('on-divergence');
  const demo = values.demo === true;
  if (demo && (text('data') ?? text('weights')) !== undefined) {
    throw new UsageError('--demo: draws its own pictures and loads no weights; give neither --data nor --weights');
  }
  const resume = text('resume');
  if (resume !== undefined) {
    const other = Object.keys(values).find((flag) => !WITH_RESUME.includes(flag));
    if (other) throw new UsageError(`--${other}: with --resume, this is that of the run; leave it out`);
    checkExists('--resume', resume, 'folder');
  }
  const weights = demo || resume !== undefined ? undefined : locate('weights', text('weights'), env);
  const arch = parseArch(text('arch'));
  if (resume === undefined) {
    const areDrawn = demo || weights === NO_WEIGHTS;
    const net = netBeforeReading({ arch, areDrawn, isNamed: !areDrawn && weights !== undefined });
    checkLearning({ ...numbers, ...words }, modes, net);
  }
  const probe = probeOptions(mode === 'probe', values);
  if (mode === 'probe' && weights === NO_WEIGHTS) throw new UsageError(`--weights none: ${NO_RANDOM_WEIGHTS}`);
  if (text('out') === '') throw new UsageError('--out: expected a folder, found an empty string');
  return {
    modes,
    data: demo ? undefined : locate('data', text('data'), resume === undefined ? env : {}),
    weights,
    arch,
    head: parseHead(text('head')),
    dataSettings: parseDataFlags(values),
    demo,
    numbers,
    words,
    regularization: parseRegularization(text),
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
    skipBroken: values['skip-broken'] === true,
    onDivergence: onDivergence === undefined ? undefined : oneOf('on-divergence', onDivergence, ON_DIVERGENCE),
    tunes: values['no-tune'] !== true,
    out: text('out'),
    resume,
    json: values.json === true,
    lrFind: searchFlags(values, modes.length > 1),
    tensorboard: values.tensorboard === true,
    probe,
  };
}

function parse(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const withValue = [
    ...['data', 'weights', 'arch', 'head', 'mode', 'adapter', 'out', 'resume', 'on-divergence'],
    ...NUMBER_FLAGS.map(({ flag }) => flag),
    ...LEARNING_WORDS,
    ...PROBE_VALUES,
    ...REGULARIZATION_FLAGS,
  ];
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(withValue.map((flag) => [flag, { type: 'string' as const }])),
        ...DATA_OPTIONS,
        ...Object.fromEntries(PROBE_SWITCHES.map((flag) => [flag, { type: 'boolean' as const }])),
        demo: { type: 'boolean' },
        'lr-find': { type: 'boolean' },
        'skip-broken': { type: 'boolean' },
        'no-tune': { type: 'boolean' },
        json: { type: 'boolean' },
        tensorboard: { type: 'boolean' },
        safe: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A path from its flag, else from its variable; it must exist. */
function locate(flag: 'data' | 'weights', given: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const variable = `DAWNGRAD_${flag.toUpperCase()}`;
  const path = given ?? (env[variable] || undefined);
  if (path === undefined || (flag === 'weights' && path === NO_WEIGHTS)) return path;
  const shownAs = given === undefined ? variable : `--${flag}`;
  return flag === 'data' ? checkData(shownAs, path) : checkWeights(shownAs, path);
}
