/** Names of a checkpoint's classes. */
import { namedClasses } from '../models/start.ts';
import type { Checkpoint } from '../weights/index.ts';
import { IMAGENET_CLASSES } from './imagenet-classes.ts';

/** Names of classes and their source. */
export interface ClassNames {
  /** One per output of the network, in their order. */
  readonly names: readonly string[];
  /** `checkpoint`: the file holds them; `imagenet`: known by index; `numbers`: no source, so `class 0` and so on. */
  readonly source: 'checkpoint' | 'imagenet' | 'numbers';
}

/**
 * Returns the names in the checkpoint. A checkpoint of 1000 classes without names gets ImageNet's: such files come from
 * there and hold no names. Otherwise the names are `class 0` and so on.
 */
export function classNamesOf(checkpoint: Checkpoint, outputs: number): ClassNames {
  const named = namedClasses(checkpoint);
  if (named?.length === outputs) return { names: named, source: 'checkpoint' };
  // Names of a wrong count are a mistake: neither they nor ImageNet's names can be matched to the outputs.
  if (!named && outputs === IMAGENET_CLASSES.length) return { names: IMAGENET_CLASSES, source: 'imagenet' };
  return { names: Array.from({ length: outputs }, (_, index) => `class ${index}`), source: 'numbers' };
}
