/** What the classes of a checkpoint are called. */
import { namedClasses } from '../models/start.ts';
import type { Checkpoint } from '../weights/index.ts';
import { IMAGENET_CLASSES } from './imagenet-classes.ts';

/** Names of classes, and where they come from. */
export interface ClassNames {
  /** One per output of the network, in their order. */
  readonly names: readonly string[];
  /** `checkpoint`: it holds them itself; `imagenet`: by their number; `numbers`: nothing names them. */
  readonly source: 'checkpoint' | 'imagenet' | 'numbers';
}

/**
 * The names that the checkpoint holds; else, of 1000 classes, ImageNet's, since such checkpoints come from there and their
 * files hold no names; else `class 0` and so on.
 */
export function classNamesOf(checkpoint: Checkpoint, outputs: number): ClassNames {
  const named = namedClasses(checkpoint);
  if (named?.length === outputs) return { names: named, source: 'checkpoint' };
  // Names of another number of classes are somebody's mistake: they cannot be put to the outputs, and nor can ImageNet's.
  if (!named && outputs === IMAGENET_CLASSES.length) return { names: IMAGENET_CLASSES, source: 'imagenet' };
  return { names: Array.from({ length: outputs }, (_, index) => `class ${index}`), source: 'numbers' };
}
