/**
 * Makes the network of a run: builds, loads and freezes it in the tutorial's order. That order is also the order of
 * random draws: first the constructor's, then the new last layer's. Loading replaces the constructor's draws, so they
 * are only counted.
 */

import { FileError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type InputSpec, inputFrom, torchvisionInput } from '../input-spec.ts';
import { Linear, type RandomSource } from '../nn/index.ts';
import { listed } from '../printable.ts';
import { type Checkpoint, namedClasses, parseSource, readCheckpoint } from '../weights/index.ts';
import type { Classifier } from './classifier.ts';
import { findNet } from './find-net.ts';
import type { Net } from './net.ts';
import { MARKS, netOf, netWith } from './registry.ts';
import { ARCHITECTURES, type Architecture, type NetName, type TrainMode, TUTORIAL_ARCHITECTURE } from './types.ts';

export { CLASSES_KEY, namedClasses } from '../weights/index.ts';

/** Of a file that holds no known network. */
const NAMES_SHOWN = 3;

/** Metadata of weights that were trained on pictures as they are stored, not as their EXIF turns them. */
export const IGNORE_ORIENTATION_KEY = 'ignoreOrientation';

/** The start of a run: architecture and weights. */
export interface Start {
  readonly architecture: NetName;
  /** The network, if it is not one of the registry. */
  readonly net?: Net | undefined;
  /** Its tensors become the network's entries. Without it they are drawn. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Whether the checkpoint's last layer is used too. Otherwise a new one is drawn. */
  readonly loadsLastLayer: boolean;
  /** The reason for the decision, as a sentence. */
  readonly description: string;
  /** How the network takes a picture, unless the run has other wishes. */
  readonly input: InputSpec;
}

/** A start without its weights, which are freed once the network has them, and without what the run decides. */
export type StartFacts = Omit<Start, 'checkpoint' | 'input'>;

/** Returns a start without its weights. */
export const factsOf = ({ architecture, net, loadsLastLayer, description }: Start): StartFacts => ({
  architecture,
  ...(net && { net }),
  loadsLastLayer,
  description,
});

/** The network of a start. */
export function netOfStart({ architecture, net }: Pick<Start, 'architecture' | 'net'>): Net {
  return net ?? netOf(architecture as Architecture);
}

/** A start without a checkpoint: every weight is drawn. */
export function fromScratch(architecture: Architecture = TUTORIAL_ARCHITECTURE): Start {
  const description = `None: every weight of the ${architecture} is drawn.`;
  return { architecture, loadsLastLayer: false, description, input: torchvisionInput(architecture) };
}

/**
 * Reads a checkpoint to start from, or uses none.
 * @param architecture the network that it must be; without a checkpoint that to build, by default a resnet18
 * @throws FileError as `startFrom` does, if it cannot be read, or if it is another network
 */
export function readStart(
  weights: string | undefined,
  classes: readonly string[],
  architecture?: Architecture | undefined,
): Start {
  if (weights === undefined) return fromScratch(architecture);
  return expectArchitecture(weights, startFrom(weights, readCheckpoint(weights), classes), architecture);
}

/** @throws FileError unless it is the network that was asked for, if one was */
export function expectArchitecture(weights: string, start: Start, architecture: Architecture | undefined): Start {
  if (architecture === undefined || architecture === start.architecture) return start;
  throw new FileError(
    `${weights}: expected the weights of a ${architecture}, found those of a ${start.architecture}. Leave the architecture out, as ` +
      'weights tell it themselves, or give others.',
  );
}

/**
 * Finds a checkpoint's architecture, and whether its last layer fits these classes, as `startOf`.
 * @throws FileError if no known architecture fits
 */
export function startFrom(path: string, checkpoint: Checkpoint, classes: readonly string[]): Start {
  const found = findNet(parseSource(path).path, checkpoint);
  return startOf(path, { net: netOf(architectureOf(path, found)), checkpoint: found }, classes);
}

/** A network of a file, and its entries. */
export interface OpenNet {
  readonly net: Net;
  readonly checkpoint: Checkpoint;
}

/**
 * Decides whether a network's last layer is for these classes. It is if it has as many outputs and, if the checkpoint names
 * its classes, the same names.
 */
export function startOf(path: string, { net, checkpoint }: OpenNet, classes: readonly string[]): Start {
  const { name: architecture, graph } = net;
  const outputs = outputsOf(net, checkpoint);
  const named = namedClasses(checkpoint);
  const input = inputFrom(checkpoint.metadata, architecture, path);
  const begin = `${path} (${architecture})`;
  const end = notesText(checkpoint);
  const known = { architecture, ...(graph !== undefined && { net }), checkpoint, input };
  const left = (reason: string): Start => ({
    ...known,
    loadsLastLayer: false,
    description: `${begin}, without its last layer: ${reason}. A new one is drawn.${end}`,
  });
  if (outputs === undefined) return left('the file has none');
  if (outputs !== classes.length) return left(`it has ${outputs} outputs, but the data has ${classes.length} classes`);
  if (named && named.join('\0') !== classes.join('\0')) {
    return left(`it is for the classes ${listed(named)}, but the data has ${listed(classes)}`);
  }
  const description = `${begin}, whole: its last layer has ${outputs} outputs, one per class of the data.${end}`;
  return { ...known, loadsLastLayer: true, description };
}

/** Reads the network of a checkpoint: `path#name` names one of several. @throws FileError if it cannot be read */
export function readNet(source: string): Checkpoint {
  return findNet(parseSource(source).path, readCheckpoint(source));
}

/** The choices made in the file, as a sentence after others; nothing if there was no choice. */
export function notesText({ notes = [] }: Pick<Checkpoint, 'notes'>): string {
  return notes.length > 0 ? ` Read: ${notes.join('; ')}.` : '';
}

/**
 * Finds a checkpoint's architecture by the names and shapes of its entries.
 * @throws FileError if no known architecture fits
 */
export function architectureOf(path: string, { tensors }: Checkpoint): Architecture {
  const net = netWith(tensors);
  if (net) return net.name as Architecture;
  const isAlike = MARKS.some((mark) => tensors.has(mark));
  throw new FileError(
    `${path}: expected the weights of a known network under torchvision's or timm's names, found ` +
      `${isAlike ? 'those of a similar one, of other depth or width' : `${tensors.size} other tensors`} ` +
      `(${listed([...tensors.keys()], NAMES_SHOWN)}). ` +
      `Give a checkpoint of one of these: ${ARCHITECTURES.join(', ')}.`,
  );
}

/** Outputs of a checkpoint's last layer; undefined if it has none. */
export function outputsOf({ headName }: Net, { tensors }: Checkpoint): number | undefined {
  return tensors.get(`${headName}.weight`)?.shape[0];
}

/**
 * Builds the network on `gpu`. It draws the same count of numbers from `random` whatever is loaded, so the pictures'
 * order and crops depend on the seed alone. Without `random`, weights that are not loaded are zeros, and a network with dropout
 * cannot train.
 * @param draws with `false`, weights that are not loaded are zeros, and `random` gives only the masks of training
 * @throws StateDictError if the entries of checkpoint and network differ
 */
export function buildModel(
  gpu: Gpu,
  start: Omit<Start, 'input'>,
  { classes, mode, random, draws = true }: { classes: number; mode: TrainMode; random?: RandomSource; draws?: boolean },
): Classifier {
  const skip = { ...(random && { random }), init: 'skip' } as const;
  const draw = random && draws ? { random } : skip;
  const model = netOfStart(start).build(gpu, start.checkpoint ? skip : draw);
  if (mode !== 'finetune') model.freeze();
  // After freezing, so the new layer is the only one that requires gradients.
  model.head = new Linear(gpu, model.featureSize, classes, start.loadsLastLayer ? skip : draw);
  if (start.checkpoint) {
    const entries = start.checkpoint.tensors;
    try {
      model.loadStateDict(entries, start.loadsLastLayer ? {} : { ignore: [`${model.headName}.`] });
    } catch (error) {
      model.dispose();
      throw error;
    }
  }
  return model;
}
