/**
 * The three kinds of timed work, on a network with two classes, by default ResNet-18. A step consists of the upload of a prepared batch,
 * zeroing, forward, loss, backward and SGD update. Steps run back to back; the time is wall time until the last loss is
 * on the host, divided by their number.
 */
import { backward, crossEntropy, noGrad, scope, Tensor } from '../src/autograd/index.ts';
import { Generator } from '../src/data/index.ts';
import type { Gpu } from '../src/gpu/gpu.ts';
import { type Chooser, chooserOf } from '../src/kernels/chooser.ts';
import { type Classifier, classifier } from '../src/models/index.ts';
import { type Architecture, TUTORIAL_ARCHITECTURE } from '../src/models/types.ts';
import { Linear } from '../src/nn/index.ts';
import { SGD } from '../src/optim/index.ts';
import { readCheckpoint } from '../src/weights/index.ts';

/**
 * `finetune-step` trains all parameters. `extract-step` trains only the last layer, with batch norm in train mode and
 * nothing cached. `eval-forward` is a forward pass in evaluation mode, without a tape, until the logits are on the
 * host.
 */
export const WORKS = ['finetune-step', 'extract-step', 'eval-forward'] as const;
export type Work = (typeof WORKS)[number];

export interface StepOptions {
  readonly batchSize: number;
  /** Side of the pictures. 224 by default; published figures are for 224. */
  readonly imageSize?: number | undefined;
  /** Path of a checkpoint. Random weights by default: speed does not depend on their values. */
  readonly weights?: string | undefined;
  /** torchvision's name of the network; ResNet-18 by default. */
  readonly architecture?: Architecture | undefined;
}

/** Steps per block. Wall times are of whole blocks, so the steps share the wait at the end. */
export const BLOCK = 4;

export class Steps {
  readonly work: Work;
  readonly #gpu: Gpu;
  readonly #model: Classifier;
  readonly #optimizer: SGD;
  readonly #images: Float32Array<ArrayBuffer>;
  readonly #labels: Uint32Array<ArrayBuffer>;
  readonly #imageSize: number;

  /** @throws FileError if the weights cannot be read */
  constructor(gpu: Gpu, work: Work, options: StepOptions) {
    const { batchSize, imageSize = 224, weights, architecture = TUTORIAL_ARCHITECTURE } = options;
    const random = new Generator(0);
    const model = classifier(gpu, architecture, weights === undefined ? { random } : { random, init: 'skip' });
    if (weights !== undefined) model.loadStateDict(readCheckpoint(weights).tensors);
    if (work !== 'finetune-step') model.freeze();
    model.head = new Linear(gpu, model.featureSize, 2, { random });
    model.train(work !== 'eval-forward');
    const trained = work === 'extract-step' ? model.head.parameters() : model.parameters();
    this.work = work;
    this.#gpu = gpu;
    this.#model = model;
    this.#optimizer = new SGD(trained, { lr: 0.001, momentum: 0.9 });
    // The spread of normalised pictures.
    this.#images = new Float32Array(batchSize * 3 * imageSize * imageSize);
    random.fillNormal(this.#images, 0, 1);
    this.#labels = Uint32Array.from({ length: batchSize }, (_, i) => i % 2);
    this.#imageSize = imageSize;
  }

  /**
   * Records and submits one step without waiting. The caller disposes the result.
   * @param chooser chooses the kernels; by default the device's chooser
   * @returns the loss, or the logits of `eval-forward`
   */
  submit(chooser: Chooser = chooserOf(this.#gpu)): Tensor {
    const result = this.#gpu.withChooser(chooser, () =>
      this.work === 'eval-forward' ? this.#evaluate() : this.#train(),
    );
    this.#gpu.flush();
    return result;
  }

  /** Runs steps back to back until the last result is on the host. @returns milliseconds per step */
  async block(count: number, chooser?: Chooser): Promise<number> {
    const start = performance.now();
    for (let i = 1; i < count; i++) this.submit(chooser).dispose();
    const last = this.submit(chooser);
    await last.readback().get();
    const ms = (performance.now() - start) / count;
    last.dispose();
    return ms;
  }

  /** Compiles every kernel and fills the pool. */
  async warmUp(chooser?: Chooser): Promise<void> {
    await this.block(2, chooser);
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#model.dispose();
  }

  #train(): Tensor {
    this.#optimizer.zeroGrad();
    const loss = scope(() => {
      const labels = Tensor.from(this.#gpu, this.#labels, [this.#labels.length]);
      const result = crossEntropy(this.#model.call(this.#upload()), labels);
      backward(result);
      return result;
    });
    this.#optimizer.step();
    return loss;
  }

  #evaluate(): Tensor {
    return noGrad(() => scope(() => this.#model.call(this.#upload())));
  }

  #upload(): Tensor {
    const side = this.#imageSize;
    return Tensor.from(this.#gpu, this.#images, [this.#labels.length, 3, side, side]);
  }
}
