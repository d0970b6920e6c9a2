/** Reads, checks and explains the flags of `npm run export`. */
import { extname } from 'node:path';
import { UsageError } from '../errors.ts';
import type { OnnxOptions } from '../export/index.ts';
import { checkNumber } from '../plan/index.ts';
import { called } from './called.ts';
import { EXIT_HELP_WITHOUT_TRAINING } from './exit-status.ts';
import { ADAPTERS, checkWeights, flagHelp, oneOf, toNumber } from './flags.ts';
import { parseArgs } from './parse-args.ts';

const FORMATS = ['torch', 'onnx', 'safetensors'] as const;
type Format = (typeof FORMATS)[number];

/** The endings that tell a format. */
const ENDINGS: Readonly<Record<string, Format>> = {
  ...{ '.pth': 'torch', '.pt': 'torch', '.bin': 'torch' },
  ...{ '.onnx': 'onnx', '.safetensors': 'safetensors' },
};

/** Types of pixels by the words of the flag. */
const PIXELS = { uint8: 'u8', float: 'f32' } as const;

/** The checked command line. */
export interface ExportCommand extends OnnxOptions {
  readonly weights: string;
  readonly format: Format;
  readonly imageSize: number | undefined;
}

export const HELP = `Usage: ${called('export')} --weights <run> --out <file> [flags]

Writes a trained network for other programs: PyTorch, whatever runs ONNX, or as safetensors. Its entries have torchvision's
names, all of them and no others; the command convert instead keeps whatever a checkpoint holds.

${flagHelp('weights <run>', [
  "a run's folder, for its best weights, or any .pth or .safetensors checkpoint of a known",
  'network; of a file with several state dicts, <file>#<name> takes one',
])}
${flagHelp('out <file>', ['where to write; whole or not at all'])}
${flagHelp('format <which>', [
  'torch: a .pth for torch.load(weights_only=True) and load_state_dict(strict=True), and',
  '<file>.json beside it with the classes, the input and two lines of Python that load it;',
  'onnx: opset 17, batches of any size, classes and input as metadata;',
  'safetensors: classes and input as metadata',
  '(default: told by the ending of <file>: .pth, .onnx, .safetensors)',
])}
${flagHelp('half', [
  'store numbers in half precision: half the size. torch and safetensors: all of them;',
  'onnx: the weights of convolutions and linear layers, which are computed with in f32',
])}
${flagHelp('overwrite', ['replace <file> if it exists'])}

Of ONNX only:

${flagHelp('preprocess <type>', [
  `${Object.keys(PIXELS).join(', ')}: the file takes pixels from 0 to 255 of this type and normalises them itself;`,
  'resizing and cropping are never inside: the metadata say to which size, and how',
  '(default: it takes normalised pixels)',
])}
${flagHelp('fold-batch-norm', ['batch norms become part of the convolutions before them, whose weights then differ'])}
${flagHelp('softmax', ['a second output, probabilities, beside the scores'])}
${flagHelp('image-size <n>', [
  'side of the square that the file takes, in pixels',
  "(default: the size that a run wrote into its weights, else the network's)",
])}
${flagHelp('adapter <kind>', [`${ADAPTERS.join(', ')}: runs the network while it is recorded`])}

${flagHelp('help', ['print this'], 'h')}

${EXIT_HELP_WITHOUT_TRAINING}
`;

/** Flags that another format has no use for. */
const ONNX_FLAGS = ['preprocess', 'fold-batch-norm', 'softmax', 'image-size', 'adapter'] as const;

/** @throws UsageError naming the flag that is wrong */
export function parseExportFlags(argv: readonly string[]): ExportCommand | 'help' {
  const values = parse(argv);
  if (values.help) return 'help';
  const { weights, out, preprocess, adapter } = values;
  if (weights === undefined) throw new UsageError('--weights: expected a run or a checkpoint, found none');
  if (out === undefined || out === '') throw new UsageError('--out: expected a file, found none');
  const format = formatOf(values.format, out);
  const foreign = ONNX_FLAGS.find((flag) => values[flag] !== undefined);
  if (format !== 'onnx' && foreign) {
    throw new UsageError(`--${foreign}: is of the format onnx, and the file is to be ${format}; leave it out`);
  }
  const size = values['image-size'];
  return {
    ...{ weights: checkWeights('--weights', weights), out, format },
    half: values.half === true,
    overwrite: values.overwrite === true,
    foldBatchNorm: values['fold-batch-norm'] === true,
    probabilities: values.softmax === true,
    preprocess:
      preprocess === undefined
        ? undefined
        : PIXELS[oneOf('preprocess', preprocess, Object.keys(PIXELS) as (keyof typeof PIXELS)[])],
    imageSize: size === undefined ? undefined : checkNumber('imageSize', toNumber('image-size', size), '--image-size'),
    adapter: adapter === undefined ? undefined : oneOf('adapter', adapter, ADAPTERS),
  };
}

/** As the flag says, else as the ending does. A known ending of another format is a mistake. */
function formatOf(given: string | undefined, out: string): Format {
  const ending = extname(out).toLowerCase();
  const told = Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
  const format = given === undefined ? told : oneOf('format', given, FORMATS);
  if (format === undefined) {
    throw new UsageError(`--format: expected ${FORMATS.join(', ')}, as the ending of ${out} tells none of them`);
  }
  if (told !== undefined && told !== format) {
    throw new UsageError(`--out: ${out} ends like a file of the format ${told}, but --format is ${format}; change one`);
  }
  return format;
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        weights: { type: 'string' },
        out: { type: 'string' },
        format: { type: 'string' },
        half: { type: 'boolean' },
        overwrite: { type: 'boolean' },
        preprocess: { type: 'string' },
        'fold-batch-norm': { type: 'boolean' },
        softmax: { type: 'boolean' },
        'image-size': { type: 'string' },
        adapter: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
