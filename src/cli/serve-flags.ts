/** Reads, checks and explains the flags of `npm run serve`. */

import { UsageError } from '../errors.ts';
import type { AdapterPreference } from '../gpu/dawn.ts';
import { checkNumber, NUMBER_OPTIONS, type NumberOption } from '../plan/index.ts';
import { DEFAULT_BATCH_SIZE } from '../predict/index.ts';
import { checkServeNumber, DEFAULT_HOST, SERVE_MAX_PIXELS, SERVE_NUMBERS, type ServeNumber } from '../serve/index.ts';
import { called } from './called.ts';
import { EXIT_HELP_WITHOUT_TRAINING } from './exit-status.ts';
import { ADAPTERS, checkWeights, flagHelp, oneOf, toNumber } from './flags.ts';
import { HEAD_HELP, parseHead } from './onnx-flags.ts';
import { parseArgs } from './parse-args.ts';

/** The checked command line. */
export interface ServeCommand {
  readonly weights: string;
  /** Of weights in an ONNX file: where the network ends. */
  readonly head: string | undefined;
  readonly host: string;
  /** Of the server. */
  readonly limits: Readonly<Partial<Record<ServeNumber, number>>>;
  /** Of the predictor. */
  readonly numbers: Readonly<Partial<Record<PredictorNumber, number>>>;
  readonly half: boolean;
  readonly adapter: AdapterPreference | undefined;
  readonly tunes: boolean;
}

type PredictorNumber = 'batchSize' | 'threads' | 'imageSize' | 'maxPixels' | 'watchdog';

const SERVE_FLAGS: readonly { flag: string; name: ServeNumber; help: readonly string[] }[] = [
  { flag: 'port', name: 'port', help: [`port; 0: any free one (default: ${SERVE_NUMBERS.port.default})`] },
  { flag: 'top', name: 'top', help: ['likeliest classes of an answer (default: 5, or 1 if there are only two)'] },
  { flag: 'max-bytes', name: 'maxBytes', help: [`bytes of a request (default: ${SERVE_NUMBERS.maxBytes.default})`] },
  { flag: 'max-files', name: 'maxFiles', help: [`pictures of a form (default: ${SERVE_NUMBERS.maxFiles.default})`] },
  {
    flag: 'rate',
    name: 'rate',
    help: [`pictures of a client in a minute; 0: no limit (default: ${SERVE_NUMBERS.rate.default})`],
  },
  {
    flag: 'queue',
    name: 'queue',
    help: [`requests in progress; others are told to try again (default: ${SERVE_NUMBERS.queue.default})`],
  },
  {
    flag: 'timeout',
    name: 'timeout',
    help: [
      'seconds in which a request must have arrived, and after that its answer',
      `(default: ${SERVE_NUMBERS.timeout.default})`,
    ],
  },
];

const PREDICTOR_FLAGS: readonly { flag: string; option: PredictorNumber & NumberOption; help: readonly string[] }[] = [
  { flag: 'max-pixels', option: 'maxPixels', help: [`pixels of a picture (default: ${SERVE_MAX_PIXELS})`] },
  {
    flag: 'batch-size',
    option: 'batchSize',
    help: [
      'pictures of waiting requests computed at once; 1 gives the bits that `predict`',
      `gives for a picture alone (default: ${DEFAULT_BATCH_SIZE})`,
    ],
  },
  { flag: 'threads', option: 'threads', help: ['threads that decode pictures', '(default: one per core, at most 4)'] },
  {
    flag: 'image-size',
    option: 'imageSize',
    help: [
      'side of the square that the network sees, in pixels',
      '(default: the size that a run wrote into its weights, else 224)',
    ],
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

export const HELP = `Usage: ${called('serve')} --weights <file or run folder> [flags]

Answers HTTP with a trained network. GET / is a page to drop a picture on. POST /predict takes a picture as its body
(Content-Type: image/*) or a form with several (multipart/form-data), and answers with JSON as \`predict --json\` does:

  curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' http://${DEFAULT_HOST}:${SERVE_NUMBERS.port.default}/predict

GET /healthz says whether it works, GET /metrics gives figures in Prometheus' format.

${flagHelp('weights <file>', [
  "a run's folder, or any .pth or .safetensors checkpoint of a network that train knows,",
  'or an .onnx file of any (default: $DAWNGRAD_WEIGHTS)',
])}
${HEAD_HELP}
${flagHelp('host <address>', [
  `address to listen at (default: ${DEFAULT_HOST}, which only this machine reaches;`,
  '0.0.0.0: all; there is no password and no TLS, so put a proxy before it)',
])}
${SERVE_FLAGS.map(({ flag, help }) => flagHelp(`${flag} <n>`, help)).join('\n')}
${PREDICTOR_FLAGS.map(({ flag, help }) => flagHelp(`${flag} <n>`, help)).join('\n')}
${flagHelp('half', ['half-precision storage, for GPUs (default: off)'])}
${flagHelp('adapter <kind>', [`${ADAPTERS.join(', ')}`, '(default: high-performance, which is software if there is no other)'])}
${flagHelp('no-tune', ['choose kernels by the shipped tables only, not by the results of `tune`'])}
${flagHelp('help', ['print this'], 'h')}

Ctrl-C and SIGTERM end it with exit status 0: requests that it has are answered, new ones refused. A second Ctrl-C ends
it at once.

${EXIT_HELP_WITHOUT_TRAINING}
`;

/**
 * @param env holds DAWNGRAD_WEIGHTS
 * @throws UsageError naming the flag, argument or variable that is wrong
 */
export function parseServeFlags(argv: readonly string[], env: NodeJS.ProcessEnv): ServeCommand | 'help' {
  const values = parse(argv);
  if (values.help === true) return 'help';
  const text = (flag: string) => values[flag] as string | undefined;
  const limits: Partial<Record<ServeNumber, number>> = {};
  for (const { flag, name } of SERVE_FLAGS) {
    const given = text(flag);
    if (given !== undefined) limits[name] = checkServeNumber(name, toNumber(flag, given), `--${flag}`);
  }
  const numbers: Partial<Record<PredictorNumber, number>> = { maxPixels: SERVE_MAX_PIXELS };
  for (const { flag, option } of PREDICTOR_FLAGS) {
    const given = text(flag);
    if (given !== undefined) numbers[option] = checkNumber(option, toNumber(flag, given), `--${flag}`);
  }
  const [given, host, adapter] = [text('weights'), text('host') ?? DEFAULT_HOST, text('adapter')];
  const weights = given ?? (env.DAWNGRAD_WEIGHTS || undefined);
  if (weights === undefined)
    throw new UsageError('--weights: expected the folder of a run or a checkpoint, found none');
  if (host === '') throw new UsageError('--host: expected an address, found an empty string');
  return {
    weights: checkWeights(given === undefined ? 'DAWNGRAD_WEIGHTS' : '--weights', weights),
    head: parseHead(text('head')),
    host,
    limits,
    numbers,
    half: values.half === true,
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
    tunes: values['no-tune'] !== true,
  };
}

function parse(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const withValue = [
    'weights',
    'head',
    'host',
    'adapter',
    ...[...SERVE_FLAGS, ...PREDICTOR_FLAGS].map(({ flag }) => flag),
  ];
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(withValue.map((flag) => [flag, { type: 'string' as const }])),
        half: { type: 'boolean' },
        'no-tune': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
