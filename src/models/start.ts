/**
 * The network of a run: built, loaded and frozen in the tutorial's order. That order is also the order of random draws:
 * the constructor's (which loading replaces, so they are only counted), then the new last layer's.
 */
import { FileError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { type ResNet, resnet18, resnet34 } from '../models/index.ts';
import { Linear, type RandomSource } from '../nn/index.ts';
import { type Checkpoint, readCheckpoint } from '../weights/index.ts';
import type { Architecture, TrainMode } from './types.ts';

const BUILDERS = { resnet18, resnet34 };

/** Of a checkpoint that this program wrote: the names of its classes, as a JSON array. */
export const CLASSES_KEY = 'classes';

/** What to start from. */
export interface Start {
  readonly architecture: Architecture;
  /** What the network's entries become; without it they are drawn. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Whether the checkpoint's last layer is used too, or a new one drawn. */
  readonly loadsLastLayer: boolean;
  /** How it was decided, as a sentence. */
  readonly description: string;
}

/** All of a start but the weights themselves, which are let go of once the network has them. */
export type StartFacts = Omit<Start, 'checkpoint'>;

/** A start without its weights. */
export const factsOf = ({ architecture, loadsLastLayer, description }: Start): StartFacts => ({
  architecture,
  loadsLastLayer,
  description,
});

/** A start from nothing: every weight is drawn. */
export const FROM_SCRATCH: Start = {
  architecture: 'resnet18',
  loadsLastLayer: false,
  description: 'None: every weight of the resnet18 is drawn.',
};

/** Reads a checkpoint to start from, or takes none. @throws FileError as `startFrom`, and if it cannot be read */
export function readStart(weights: string | undefined, classes: readonly string[]): Start {
  return weights === undefined ? FROM_SCRATCH : startFrom(weights, readCheckpoint(weights), classes);
}

/**
 * Which network a checkpoint belongs to, and whether its last layer is one for these classes: if it has as many outputs
 * and, where the checkpoint names its classes, names the same.
 * @throws FileError if it belongs to none that can be built
 */
export function startFrom(path: string, checkpoint: Checkpoint, classes: readonly string[]): Start {
  const architecture = architectureOf(path, checkpoint);
  const outputs = checkpoint.tensors.get('fc.weight')?.shape[0];
  const named = namedClasses(checkpoint);
  const begin = `${path} (${architecture})`;
  const left = (reason: string): Start => ({
    architecture,
    checkpoint,
    loadsLastLayer: false,
    description: `${begin}, without its last layer: ${reason}. A new one is drawn.`,
  });
  if (outputs === undefined) return left('it has none');
  if (outputs !== classes.length) return left(`that tells ${outputs} classes apart, the data has ${classes.length}`);
  if (named && named.join('\0') !== classes.join('\0')) {
    return left(`that tells ${named.join(', ')} apart, the data has ${classes.join(', ')}`);
  }
  const description = `${begin}, whole: its last layer tells ${outputs} classes apart, as many as the data has.`;
  return { architecture, checkpoint, loadsLastLayer: true, description };
}

/**
 * Which network a checkpoint belongs to, by the names of its entries.
 * @throws FileError if it belongs to none that can be built
 */
export function architectureOf(path: string, { tensors }: Checkpoint): Architecture {
  if (!tensors.has('layer1.0.conv1.weight') || tensors.has('layer1.0.conv3.weight')) {
    throw new FileError(
      `${path}: expected the weights of a resnet18 or resnet34 under torchvision's names, found ` +
        `${tensors.has('layer1.0.conv3.weight') ? 'those of a deeper ResNet' : `${tensors.size} others`}. ` +
        'Give a checkpoint of one of these two.',
    );
  }
  return tensors.has('layer1.2.conv1.weight') ? 'resnet34' : 'resnet18';
}

/** The names of its classes that a checkpoint holds, if it was written by this program. */
export function namedClasses({ metadata }: Checkpoint): string[] | undefined {
  try {
    const names: unknown = JSON.parse(metadata[CLASSES_KEY] ?? 'null');
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
  } catch {
    // Another program's entry of that name.
    return undefined;
  }
}

/**
 * Builds the network on `gpu`. Takes as many numbers from `random` whatever is loaded, so that the pictures' order and
 * crops depend on the seed alone. Without `random` the values of what is not loaded are zeros: to plan with, not to train.
 * @throws StateDictError if the checkpoint has other entries than the network
 */
export function buildModel(
  gpu: Gpu,
  start: Start,
  { classes, mode, random }: { classes: number; mode: TrainMode; random?: RandomSource },
): ResNet {
  const skip = { ...(random && { random }), init: 'skip' } as const;
  const draw = random ? { random } : skip;
  const model = BUILDERS[start.architecture](gpu, start.checkpoint ? skip : draw);
  if (mode === 'extract') model.freeze();
  // After freezing: the new layer is the only one that learns.
  model.fc = new Linear(gpu, model.featureSize, classes, start.loadsLastLayer ? skip : draw);
  if (start.checkpoint) {
    const entries = start.checkpoint.tensors;
    try {
      model.loadStateDict(entries, start.loadsLastLayer ? {} : { ignore: ['fc.'] });
    } catch (error) {
      model.dispose();
      throw error;
    }
  }
  return model;
}
