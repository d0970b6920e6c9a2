/** `npm run bench:compare`: our steps beside PyTorch's, or TensorFlow.js's, in turn on the same machine. */
import { pathToFileURL } from 'node:url';
import { DawngradError, UsageError } from '../src/errors.ts';
import { writeFileAtomic } from '../src/weights/index.ts';
import {
  BATCH_SIZE,
  type CompareOptions,
  type Comparison,
  compare,
  compareTfjs,
  PEER_DEFAULTS,
  type TfjsComparison,
} from './compare.ts';
import { ADAPTERS, adapterOf, countOf, flagHelp, type Io, inputOf, oneOf, outputOf, readFlags } from './flags.ts';
import { MissingPeerError, PEERS, type PeerName } from './peer.ts';
import { BLOCK } from './steps.ts';
import { figure, formatTable } from './table.ts';

export const HELP = `Usage: npm run bench:compare [-- flags]

Runs training steps of ResNet-18 at 224x224 here and in PyTorch (its default layout, as many threads as there are cores),
in turn, in blocks of ${BLOCK} steps, and prints the times and their ratio. Keep the machine quiet meanwhile.

${flagHelp('peer <name>', ['pytorch (default), or tfjs: a fine-tuning step of TensorFlow.js on the same', 'adapter; it is installed by `npm ci` in bench/peers'])}
${flagHelp('batch-size <n>', [`pictures per step (default: ${BATCH_SIZE})`])}
${flagHelp('steps <n>', [`steps of each kind of work (default: ${PEER_DEFAULTS.pytorch.steps}; tfjs: ${PEER_DEFAULTS.tfjs.steps}, of which one may take half a minute)`])}
${flagHelp('weights <file>', ['a .pth checkpoint of a resnet18 for both sides, or "none" for random weights;', 'speed does not depend on them (default: $DAWNGRAD_WEIGHTS, else none)'])}
${flagHelp('json <file>', ['write an array of {work, batch, oursMs, pytorchMs, ratio} (tfjsMs of tfjs)'])}
${flagHelp('adapter <kind>', [ADAPTERS.join(', ')])}
${flagHelp('help', ['print this'])}

A step: upload of a batch that lies ready, zeroing, forward, loss, backward, SGD update; steps run back to back, and the
time is wall time until the last loss is on the host. finetune-step trains all parameters; extract-step the last layer
only, batch norm in train mode, nothing cached; eval-forward ends with the logits on the host. See bench/README.md.

PyTorch is looked for in $DAWNGRAD_PYTHON, then in the usual places.

Exit status: 0 done, 1 failed, 2 wrong usage, or the peer is not installed.
`;

interface CompareCommand {
  readonly peer: PeerName;
  readonly options: CompareOptions;
  readonly json: string | undefined;
}

const NO_WEIGHTS = 'none';

/**
 * @param env where DAWNGRAD_WEIGHTS is looked up
 * @throws UsageError naming the flag
 */
export function parseCompareFlags(argv: readonly string[], env: NodeJS.ProcessEnv): CompareCommand | 'help' {
  const flags = readFlags(argv, {
    peer: { type: 'string' },
    'batch-size': { type: 'string' },
    steps: { type: 'string' },
    weights: { type: 'string' },
    json: { type: 'string' },
    adapter: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (flags.help) return 'help';
  const peer = flags.peer === undefined ? 'pytorch' : oneOf('peer', flags.peer, PEERS);
  return {
    peer,
    options: {
      batchSize: countOf('batch-size', flags['batch-size'], BATCH_SIZE),
      steps: countOf('steps', flags.steps, PEER_DEFAULTS[peer].steps),
      weights: weightsOf(flags.weights, env),
      adapter: adapterOf(flags.adapter),
    },
    json: outputOf('json', flags.json),
  };
}

function weightsOf(given: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const path = given ?? (env.DAWNGRAD_WEIGHTS || NO_WEIGHTS);
  if (path === NO_WEIGHTS) return undefined;
  const name = given === undefined ? 'DAWNGRAD_WEIGHTS' : '--weights';
  if (path.endsWith('.safetensors')) {
    throw new UsageError(`${name}: ${path}: PyTorch reads .pth only; give one, or --weights none for random weights`);
  }
  return inputOf(name, path);
}

/**
 * @param argv arguments after the script's name
 * @param smaller what a test makes smaller than it is for people
 * @returns exit status: 0 done, 1 failed, 2 wrong usage or no peer
 */
export async function main(
  argv: readonly string[],
  io: Io = process,
  smaller: Pick<CompareOptions, 'imageSize' | 'works'> = {},
): Promise<number> {
  try {
    const command = parseCompareFlags(argv, io.env);
    if (command === 'help') {
      io.stdout.write(HELP);
      return 0;
    }
    const note = (text: string) => io.stderr.write(`bench:compare: ${text}\n`);
    const options = { ...command.options, ...smaller, note };
    const results = command.peer === 'pytorch' ? await compare(options) : await compareTfjs(options);
    io.stdout.write(
      command.peer === 'pytorch' ? formatPyTorch(results as Comparison[]) : formatTfjs(results as TfjsComparison[]),
    );
    if (command.json !== undefined) {
      writeFileAtomic(command.json, [Buffer.from(`${JSON.stringify(results, undefined, 2)}\n`)]);
    }
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`bench:compare: ${error.message}\nTry "npm run bench:compare -- --help".\n`);
      return 2;
    }
    if (!(error instanceof DawngradError)) throw error;
    io.stderr.write(`bench:compare: ${error.message}\n`);
    return error instanceof MissingPeerError ? 2 : 1;
  }
}

function formatPyTorch(results: readonly Comparison[]): string {
  const rows = results.map((one) => [one, one.pytorchMs, `${one.ratio.toFixed(2)} times PyTorch's`] as const);
  return formatPairs('PyTorch ms', rows);
}

/** TensorFlow.js is the slower one, and says so more plainly the other way round. */
function formatTfjs(results: readonly TfjsComparison[]): string {
  const rows = results.map(
    (one) => [one, one.tfjsMs, `TensorFlow.js takes ${figure(1 / one.ratio)} times ours`] as const,
  );
  return formatPairs('TensorFlow.js ms', rows);
}

type Pair = readonly [Pick<Comparison, 'work' | 'batch' | 'oursMs'>, number, string];

function formatPairs(peerTitle: string, rows: readonly Pair[]): string {
  const table = formatTable(
    [
      { title: 'work', align: 'left' },
      { title: 'batch', align: 'right' },
      { title: 'ours ms', align: 'right' },
      { title: peerTitle, align: 'right' },
      { title: 'ratio', align: 'left' },
    ],
    rows.map(([{ work, batch, oursMs }, peerMs, ratio]) => [work, `${batch}`, figure(oursMs), figure(peerMs), ratio]),
  );
  return `${table}\n`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
