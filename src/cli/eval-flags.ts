/** Reads, checks and explains the flags of `npm run eval`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SPLIT_NAMES, splitNamed } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { WHOLE } from '../predict/index.ts';
import { PICTURE_FILES, RUN_FILES } from '../train/index.ts';
import { called } from './called.ts';
import { checkData } from './data-flags.ts';
import { EXIT_HELP_WITHOUT_TRAINING } from './exit-status.ts';
import { ADAPTERS, checkExists, checkWeights, flagHelp, oneOf } from './flags.ts';
import { HEAD_HELP, parseHead } from './onnx-flags.ts';
import { parseArgs } from './parse-args.ts';
import { NUMBER_FLAGS, type PredictCommand, readNumbers } from './predict-flags.ts';

/** The checked command line. */
export interface EvalCommand {
  /** A checkpoint, or the folder of a run, which stands for its best weights. */
  readonly weights: string;
  /** Of weights in an ONNX file: where the network ends. */
  readonly head: string | undefined;
  /** A folder or a list. */
  readonly data: string;
  /** The part of the data: val, test, train or all; by default one that the network has not learnt from. */
  readonly split: string | undefined;
  readonly json: boolean;
  /** Folder for the judgement and its pictures. */
  readonly out: string | undefined;
  readonly half: boolean;
  readonly adapter: AdapterPreference | undefined;
  readonly tunes: boolean;
  readonly numbers: PredictCommand['numbers'];
}

/** What --out gets. */
const WRITTEN = [RUN_FILES.judgement, PICTURE_FILES.confusion, PICTURE_FILES.topLosses];

export const HELP = `Usage: ${called('eval')} --weights <run or file> --data <folder or list> [flags]

Judges a trained network on pictures whose classes are known: accuracy with its 95 % interval, rates of each class, the
worst classes in words.

${flagHelp('weights <path>', [
  'the folder of a run, for its best weights, or a .pth or .safetensors checkpoint of a',
  'network that train knows, or an .onnx file of any (default: $DAWNGRAD_WEIGHTS)',
])}
${HEAD_HELP}
${flagHelp('data <path>', [
  'the pictures, as train takes them: a folder with val/ or test/, one folder of pictures',
  'per class, or a list (path,label[,split]; .csv, .jsonl); classes are matched to those',
  'of the network by their names (default: $DAWNGRAD_DATA)',
])}
${flagHelp('split <name>', [
  'judge val, test, train or all (default: val, else test, else all; of class folders or a',
  'list that the run itself has divided: the pictures that it held out)',
])}
${flagHelp('json', ['print the judgement as one line of JSON, and nothing else, on stdout'])}
${flagHelp('out <folder>', [`also write ${WRITTEN.join(', ')} there;`, 'existing files are never replaced'])}
${NUMBER_FLAGS.map(({ flag, help }) => flagHelp(`${flag} <n>`, help)).join('\n')}
${flagHelp('half', ['half-precision storage, as for predict (default: off)'])}
${flagHelp('adapter <kind>', [`${ADAPTERS.join(', ')}`, '(default: high-performance, which is software if there is no other)'])}
${flagHelp('no-tune', ['choose kernels by the shipped tables only, not by the results of `tune`'])}
${flagHelp('help', ['print this'], 'h')}

Pictures that cannot be read do not count; they are named, and the exit status is 1.

${EXIT_HELP_WITHOUT_TRAINING}
`;

/**
 * @param env holds DAWNGRAD_WEIGHTS and DAWNGRAD_DATA
 * @throws UsageError naming the flag or variable that is wrong
 */
export function parseEvalFlags(argv: readonly string[], env: NodeJS.ProcessEnv): EvalCommand | 'help' {
  const values = parse(argv);
  if (values.help === true) return 'help';
  const text = (flag: string) => values[flag] as string | undefined;
  const adapter = text('adapter');
  const [split, out] = [text('split'), text('out')];
  if (split !== undefined && split !== WHOLE && splitNamed(split) === undefined) {
    throw new UsageError(`--split: expected ${[...SPLIT_NAMES, WHOLE].join(', ')}, found ${JSON.stringify(split)}`);
  }
  if (out !== undefined) checkOut(out);
  const numbers = readNumbers(text);
  const weights = located('weights', 'a run folder or a checkpoint', text('weights'), env);
  const given = located('data', 'labelled pictures', text('data'), env);
  return {
    weights: checkWeights(weights.shownAs, weights.path),
    head: parseHead(text('head')),
    data: checkData(given.shownAs, given.path),
    split,
    json: values.json === true,
    out,
    half: values.half === true,
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
    tunes: values['no-tune'] !== true,
    numbers,
  };
}

function parse(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const withValue = ['weights', 'head', 'data', 'split', 'out', 'adapter', ...NUMBER_FLAGS.map(({ flag }) => flag)];
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(withValue.map((flag) => [flag, { type: 'string' as const }])),
        json: { type: 'boolean' },
        half: { type: 'boolean' },
        'no-tune': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values as Record<string, string | boolean | undefined>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

interface Located {
  readonly path: string;
  /** The flag or the variable, for messages. */
  readonly shownAs: string;
}

/** From the flag, else from the variable. */
function located(flag: string, what: string, given: string | undefined, env: NodeJS.ProcessEnv): Located {
  const variable = `DAWNGRAD_${flag.toUpperCase()}`;
  const path = given ?? (env[variable] || undefined);
  if (path) return { path, shownAs: given === undefined ? variable : `--${flag}` };
  throw new UsageError(`--${flag}: expected ${what}, found ${path === '' ? 'an empty string' : 'none'}`);
}

/** The folder is made if it does not exist. */
function checkOut(path: string): void {
  if (path === '') throw new UsageError('--out: expected a folder, found an empty string');
  if (!existsSync(path)) return;
  checkExists('--out', path, 'folder');
  const file = WRITTEN.find((name) => existsSync(join(path, name)));
  if (file) throw new UsageError(`--out: ${path}: already holds ${file}, which was left; choose another folder`);
}
