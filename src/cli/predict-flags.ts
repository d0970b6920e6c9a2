/** Reads, checks and explains the flags of `npm run predict`. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { checkNumber, NUMBER_OPTIONS, type NumberOption } from '../plan/index.ts';
import { DEFAULT_BATCH_SIZE, DEFAULT_TOP } from '../predict/index.ts';
import { called } from './called.ts';
import { ORIENTATION_HELP, ORIENTATION_OPTION } from './data-flags.ts';
import { EXIT_HELP_WITHOUT_TRAINING } from './exit-status.ts';
import { ADAPTERS, checkExists, checkWeights, flagHelp, oneOf, toNumber } from './flags.ts';
import { HEAD_HELP, parseHead } from './onnx-flags.ts';
import { parseArgs } from './parse-args.ts';

/** The checked command line. */
export interface PredictCommand {
  /** From the flag or the variable; undefined if neither is given. */
  readonly weights: string | undefined;
  /** Of weights in an ONNX file: where the network ends. */
  readonly head: string | undefined;
  /** Files and folders as given; not checked for existence. */
  readonly inputs: readonly string[];
  readonly top: number | undefined;
  readonly json: boolean;
  /** Folder for annotated pictures. */
  readonly save: string | undefined;
  /** Folder whose new pictures are predicted as they come, until a signal. */
  readonly watch: string | undefined;
  /** Whether weights and activations are stored in f16. */
  readonly half: boolean;
  /** Undefined if not given: then as the weights say. */
  readonly ignoreOrientation: true | undefined;
  readonly adapter: AdapterPreference | undefined;
  /** Whether to use the kernel choices measured on this machine. */
  readonly tunes: boolean;
  readonly numbers: Readonly<Partial<Record<NumberFlag, number>>>;
}

/** The numeric flags of commands that predict. */
export type NumberFlag = 'batchSize' | 'threads' | 'imageSize' | 'maxPixels' | 'watchdog';

export const NUMBER_FLAGS: readonly { flag: string; option: NumberFlag & NumberOption; help: readonly string[] }[] = [
  { flag: 'batch-size', option: 'batchSize', help: [`pictures computed at once (default: ${DEFAULT_BATCH_SIZE})`] },
  {
    flag: 'threads',
    option: 'threads',
    help: ['threads that decode pictures; changes no result', '(default: one per core, at most 4)'],
  },
  {
    flag: 'image-size',
    option: 'imageSize',
    help: [
      'side of the square that the network sees, in pixels;',
      'another size than the weights were trained on costs accuracy',
      '(default: the size that a run wrote into its weights, else 224)',
    ],
  },
  {
    flag: 'max-pixels',
    option: 'maxPixels',
    help: [`refuse pictures of more pixels, as Pillow does (default: ${NUMBER_OPTIONS.maxPixels.default})`],
  },
  {
    flag: 'watchdog',
    option: 'watchdog',
    help: [
      'seconds to wait for the result of a batch, after the first, before the device counts',
      `as hung; 0: for ever (default: ${NUMBER_OPTIONS.watchdog.default})`,
    ],
  },
];

export const HELP = `Usage: ${called('predict')} [--weights <file>] <picture or folder> … [flags]

Classifies pictures with a trained network: prints the likeliest classes of each and their probabilities.

A folder stands for all pictures in it and its subfolders. Unreadable files are reported on stderr and skipped.
If all its subfolders have names of the network's classes, a last line says how many predictions are right; the command
eval says more.

${flagHelp('weights <file>', [
  "a run's folder, whose best weights name its classes, or any .pth or .safetensors",
  'checkpoint of a network that train knows, or an .onnx of any; 1000 classes without',
  'names get those of ImageNet;',
  'of a file with several state dicts, <file>#<name> takes one',
  "(default: $DAWNGRAD_WEIGHTS, else torchvision's resnet18, downloaded once)",
])}
${HEAD_HELP}
${flagHelp('top <n>', [`print the n likeliest classes (default: ${DEFAULT_TOP}, or 1 if there are only two)`])}
${flagHelp('json', ['print one line of JSON per picture, and nothing else, on stdout'])}
${flagHelp('save <folder>', [
  'also write each picture as a PNG with its classes underneath; existing files are',
  'never replaced',
])}
${flagHelp('watch <folder>', [
  'after that, go on with each picture that is new in this folder or its subfolders, or',
  'written anew, once it is complete; broken ones are reported and skipped',
])}
${NUMBER_FLAGS.map(({ flag, help }) => flagHelp(`${flag} <n>`, help)).join('\n')}
${ORIENTATION_HELP}
${flagHelp('half', [
  'half-precision storage: keep weights and activations in f16, which takes half the',
  'memory; meant for GPUs: it makes a software adapter much slower (default: off)',
])}
${flagHelp('adapter <kind>', [`${ADAPTERS.join(', ')}`, '(default: high-performance, which is software if there is no other)'])}
${flagHelp('no-tune', ['choose kernels by the shipped tables only, not by the results of `tune`'])}
${flagHelp('help', ['print this'], 'h')}

Ctrl-C stops after the current batch; a second Ctrl-C stops at once. It is the end of --watch, with exit status 0.

Something skipped counts as failed, except by --watch.

${EXIT_HELP_WITHOUT_TRAINING}
`;

/**
 * @param env holds DAWNGRAD_WEIGHTS
 * @throws UsageError naming the flag, argument or variable that is wrong
 */
export function parsePredictFlags(argv: readonly string[], env: NodeJS.ProcessEnv): PredictCommand | 'help' {
  const { values, positionals } = parse(argv);
  if (values.help === true) return 'help';
  const text = (flag: string) => values[flag] as string | undefined;
  const adapter = text('adapter');
  const [top, save, watch] = [text('top'), text('save'), text('watch')];
  if (save !== undefined) checkSaveFolder(save);
  if (watch !== undefined) {
    checkExists('--watch', watch, 'folder');
    if (save !== undefined && resolve(save) === resolve(watch)) {
      throw new UsageError('--save: expected another folder than --watch, where its pictures would be new ones');
    }
  }
  if (positionals.length === 0 && watch === undefined)
    throw new UsageError('no picture: give one or more files or folders, or --watch <folder>');
  const empty = positionals.indexOf('');
  if (empty >= 0) throw new UsageError(`picture ${empty + 1}: expected a file or folder, found an empty string`);
  return {
    weights: locateWeights(text('weights'), env),
    head: parseHead(text('head')),
    inputs: positionals,
    top: top === undefined ? undefined : checkTop(toNumber('top', top)),
    json: values.json === true,
    save,
    watch,
    half: values.half === true,
    ignoreOrientation: values['ignore-orientation'] === true || undefined,
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
    tunes: values['no-tune'] !== true,
    numbers: readNumbers(text),
  };
}

/** @throws UsageError naming the flag that is wrong */
export function readNumbers(text: (flag: string) => string | undefined): PredictCommand['numbers'] {
  const numbers: Partial<Record<NumberFlag, number>> = {};
  for (const { flag, option } of NUMBER_FLAGS) {
    const given = text(flag);
    if (given !== undefined) numbers[option] = checkNumber(option, toNumber(flag, given), `--${flag}`);
  }
  return numbers;
}

function parse(argv: readonly string[]) {
  const withValue = ['weights', 'head', 'top', 'save', 'watch', 'adapter', ...NUMBER_FLAGS.map(({ flag }) => flag)];
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(withValue.map((flag) => [flag, { type: 'string' as const }])),
        json: { type: 'boolean' },
        ...ORIENTATION_OPTION,
        half: { type: 'boolean' },
        'no-tune': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return { values: values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function checkTop(top: number): number {
  if (Number.isSafeInteger(top) && top >= 1) return top;
  throw new UsageError(`--top: expected a whole number of at least 1, found ${top}`);
}

/** The folder is created if it does not exist. */
function checkSaveFolder(path: string): void {
  if (path === '') throw new UsageError('--save: expected a folder, found an empty string');
  if (existsSync(path)) checkExists('--save', path, 'folder');
}

/** From the flag, else from the variable; the file must exist. */
function locateWeights(given: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const path = given ?? (env.DAWNGRAD_WEIGHTS || undefined);
  if (path === undefined) return undefined;
  return checkWeights(given === undefined ? 'DAWNGRAD_WEIGHTS' : '--weights', path);
}
