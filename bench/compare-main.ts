/** `npm run bench:compare`: times our steps and those of PyTorch or TensorFlow.js in turn on the same machine. */
import { ADAPTERS, checkExists, flagHelp, oneOf } from '../src/cli/flags.ts';
import { goToUser } from '../src/cli/npm.ts';
import type { Io } from '../src/cli/program.ts';
import { isProgram } from '../src/cli/program.ts';
import { parseArch } from '../src/cli/train-flags/network.ts';
import { UsageError } from '../src/errors.ts';
import { TUTORIAL_ARCHITECTURE } from '../src/models/types.ts';
import { BATCH_SIZE, type CompareOptions, compare, type Pairing, PEER_DEFAULTS } from './compare.ts';
import { adapterOf, countOf, exitStatus, outputOf, readFlags, writeJson } from './flags.ts';
import { PEERS, type PeerName } from './peer.ts';
import { BLOCK } from './steps.ts';
import { figure, formatTable } from './table.ts';

export const HELP = `Usage: npm run bench:compare [-- flags]

Runs training steps of a network at 224x224 here and in PyTorch (default layout, one thread per core) in turn, in blocks
of ${BLOCK} steps, and prints the times and their ratio. Keep the machine quiet meanwhile.

${flagHelp('peer <name>', ['pytorch (default), or tfjs: a fine-tuning step of TensorFlow.js on the same', 'adapter; `npm ci` in bench/peers installs it'])}
${flagHelp('arch <name>', [`the network, by torchvision's name; for PyTorch (default: ${TUTORIAL_ARCHITECTURE})`])}
${flagHelp('batch-size <n>', [`pictures per step (default: ${BATCH_SIZE})`])}
${flagHelp('steps <n>', [`steps of each kind of work (default: ${PEER_DEFAULTS.pytorch.steps}; tfjs: ${PEER_DEFAULTS.tfjs.steps}, each may take half a minute)`])}
${flagHelp('weights <file>', ['a .pth checkpoint of the network for both sides, or "none" for random weights;', 'speed does not depend on them (default: $DAWNGRAD_WEIGHTS if --arch is absent, else none)'])}
${flagHelp('json <file>', ['write an array of {work, batch, oursMs, pytorchMs, ratio} (tfjsMs for tfjs)'])}
${flagHelp('adapter <kind>', [ADAPTERS.join(', ')])}
${flagHelp('help', ['print this'], 'h')}

A step consists of the upload of a prepared batch, zeroing, forward, loss, backward and SGD update. Steps run back to
back; the time is wall time until the last loss is on the host. finetune-step trains all parameters. extract-step trains
only the last layer, with batch norm in train mode and nothing cached. eval-forward ends with the logits on the host.
See bench/README.md.

The command looks for PyTorch in $DAWNGRAD_PYTHON, then in the usual places.

Exit status: 0 done, 1 failed, 2 wrong usage, or the peer is not installed.
`;

interface CompareCommand {
  readonly peer: PeerName;
  readonly options: CompareOptions;
  readonly json: string | undefined;
}

const NO_WEIGHTS = 'none';

/**
 * @param env holds DAWNGRAD_WEIGHTS
 * @throws UsageError naming the flag
 */
export function parseCompareFlags(argv: readonly string[], env: NodeJS.ProcessEnv): CompareCommand | 'help' {
  const flags = readFlags(argv, {
    peer: { type: 'string' },
    arch: { type: 'string' },
    'batch-size': { type: 'string' },
    steps: { type: 'string' },
    weights: { type: 'string' },
    json: { type: 'string' },
    adapter: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (flags.help) return 'help';
  const architecture = parseArch(flags.arch);
  const peer = flags.peer === undefined ? 'pytorch' : oneOf('peer', flags.peer, PEERS);
  return {
    peer,
    options: {
      batchSize: countOf('batch-size', flags['batch-size'], BATCH_SIZE),
      steps: countOf('steps', flags.steps, PEER_DEFAULTS[peer].steps),
      weights: weightsOf(flags.weights, architecture === undefined ? env : {}),
      architecture,
      ...adapterOf(flags.adapter),
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
  return checkExists(name, path, 'file');
}

/**
 * @param argv arguments after the script's name
 * @param smaller sizes that tests reduce
 * @returns exit status: 0 done, 1 failed, 2 wrong usage or no peer
 */
export function main(
  argv: readonly string[],
  io: Io = process,
  smaller: Pick<CompareOptions, 'imageSize' | 'works'> = {},
): Promise<number> {
  return exitStatus('bench:compare', io, async () => {
    const command = parseCompareFlags(argv, io.env);
    if (command === 'help') return io.stdout.write(HELP);
    const { peer, options, json } = command;
    const note = (text: string) => io.stderr.write(`bench:compare: ${text}\n`);
    const pairings = await compare(peer, { ...options, ...smaller, note });
    io.stdout.write(`${formatPairings(peer, pairings)}\n`);
    const rows = pairings.map(({ work, batch, oursMs, peerMs, ratio }) => {
      return { work, batch, oursMs, [`${peer}Ms`]: peerMs, ratio };
    });
    writeJson(json, rows);
  });
}

function formatPairings(peer: PeerName, pairings: readonly Pairing[]): string {
  // TensorFlow.js is slower, so its ratio is easier to read the other way round.
  const ratioText = (ratio: number) =>
    peer === 'pytorch' ? `${ratio.toFixed(2)} times PyTorch's` : `TensorFlow.js takes ${figure(1 / ratio)} times ours`;
  const peerTitle = peer === 'pytorch' ? '>PyTorch ms' : '>TensorFlow.js ms';
  return formatTable(
    ['work', '>batch', '>ours ms', peerTitle, 'ratio'],
    pairings.map((one) => [one.work, `${one.batch}`, figure(one.oursMs), figure(one.peerMs), ratioText(one.ratio)]),
  );
}

if (isProgram(import.meta.url, process.argv[1])) {
  goToUser(process.env, process.argv);
  process.exitCode = await main(process.argv.slice(2));
}
