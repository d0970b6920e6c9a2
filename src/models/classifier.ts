/** What training, probing, judging and explaining need to know of a network, whatever its family. */
import { toDType } from '../autograd/ops/to-dtype.ts';
import type { Tensor } from '../autograd/tensor.ts';
import type { Conv2d } from '../nn/conv2d.ts';
import type { Step } from '../nn/fuse.ts';
import { type AnyModule, Module } from '../nn/module.ts';
import { pipe } from '../nn/pipe.ts';
import type { Sequential } from '../nn/sequential.ts';

/**
 * A network that classifies pictures: images [N, 3, H, W], normalised, to scores [N, classes]. It is a chain: the trunk makes
 * maps, which know places; the neck makes them features, one list of numbers per picture; the head makes these scores.
 * A subclass registers its parts under torchvision's names and states the chain.
 */
export abstract class Classifier extends Module {
  /** Features per picture that the head takes. */
  abstract readonly featureSize: number;

  /** The name of the head: `fc`, `classifier.3`. Entries of a checkpoint below it are the last layer's. */
  abstract readonly headName: string;

  /**
   * The parts that have parameters, by name, in the order of computing: a run can learn from one of them on and freeze
   * those before it. Together they hold every parameter. The last is the head alone, under its name.
   */
  abstract get blocks(): ReadonlyMap<string, readonly AnyModule[]>;

  /** The steps from images to maps. */
  protected abstract trunk(): readonly Step[];

  /** The steps from maps to features. */
  protected abstract neck(): readonly Step[];

  /** The last layer: [N, featureSize] to scores. */
  get head(): Module {
    return moduleAt(this, this.headName) as Module;
  }

  /** Replaces the last layer and disposes the old one. */
  set head(module: Module) {
    const { head, headName } = this;
    if (module === head) return;
    head.dispose();
    const dot = headName.lastIndexOf('.');
    if (dot < 0) this.registerModule(headName, module);
    else (moduleAt(this, headName.slice(0, dot)) as Sequential).replace(Number(headName.slice(dot + 1)), module);
  }

  /**
   * The input of the head: [N, featureSize]. Intermediates belong to the scope around it, so call it within one. In
   * training mode a network with dropout drops some of them.
   */
  features(images: Tensor): Tensor {
    return pipe(images, ...this.trunk(), ...this.neck());
  }

  /** The last output that knows places: [N, channels, h, w]. Call it within a scope, as `features`. */
  maps(images: Tensor): Tensor {
    return pipe(images, ...this.trunk());
  }

  /** From the maps to the scores: [N, classes]. Call it within a scope, as `features`. */
  scoresOfMaps(maps: Tensor): Tensor {
    return this.head.call(pipe(maps, ...this.neck()));
  }

  override forward(images: Tensor): Tensor {
    return this.head.call(this.features(images));
  }
}

/** The first step of a trunk: a network in half precision still takes f32 images. @param stem its first convolution */
export function inTypeOf(stem: Conv2d): Step {
  return (images) => (stem.weight.dtype === 'f16' ? toDType(images, 'f16') : images);
}

function moduleAt(root: AnyModule, path: string): AnyModule {
  return path.split('.').reduce((module, name) => module.children.get(name)!, root);
}
