/** The flag of `train` that names the network: `--arch`. */
import { UsageError } from '../../errors.ts';
import { type Net, netOf } from '../../models/registry.ts';
import { ARCHITECTURES, type Architecture, TUTORIAL_ARCHITECTURE } from '../../models/types.ts';
import { flagHelp, oneOf } from '../flags.ts';

/** Names in a line of --help. */
const LINE_LENGTH = 85;

/** All names, on as many lines as needed. */
const ARCHITECTURE_LINES: readonly string[] = linesOf(ARCHITECTURES);

export const ARCH_HELP = flagHelp('arch <name>', [
  'the network, by torchvision’s name; weights tell it themselves, so this is for',
  '--weights none and --demo; one of',
  ...ARCHITECTURE_LINES,
  `(default: that of the weights, else ${TUTORIAL_ARCHITECTURE})`,
]);

/** @throws UsageError if no network has this name */
export function parseArch(given: string | undefined): Architecture | undefined {
  return given === undefined ? undefined : oneOf('arch', given, ARCHITECTURES);
}

/** Where a run's weights come from, as far as the command line tells. */
interface WeightsSource {
  readonly arch: Architecture | undefined;
  /** Whether the command line or a variable names a checkpoint. */
  readonly isNamed: boolean;
  /** Whether all weights are drawn. */
  readonly areDrawn: boolean;
}

/**
 * The network of a run, if it is known before any file is read.
 * @throws UsageError if the weights that would be downloaded are of another one
 */
export function netBeforeReading({ arch, isNamed, areDrawn }: WeightsSource): Net | undefined {
  if (isNamed) return undefined;
  if (!areDrawn && arch !== undefined && arch !== TUTORIAL_ARCHITECTURE) {
    throw new UsageError(
      `--arch ${arch}: the weights that are downloaded by default are those of a ${TUTORIAL_ARCHITECTURE}; name a checkpoint with ` +
        '--weights <file>, or start from random weights with --weights none',
    );
  }
  return netOf(arch ?? TUTORIAL_ARCHITECTURE);
}

function linesOf(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [i, name] of names.entries()) {
    const word = i === names.length - 1 ? name : `${name},`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < LINE_LENGTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
