/** The computations on one batch. Nothing here waits for the device. */
import { backward, countCorrect, crossEntropy, noGrad, scope, Tensor } from '../autograd/index.ts';
import type { Gpu, Readback } from '../gpu/gpu.ts';
import type { Module } from '../nn/index.ts';
import { clipGradNorm, type Optimizer } from '../optim/index.ts';
import { type Criterion, trainLoss } from './criterion.ts';
import type { GroupPlace } from './learning.ts';

/** One batch on the host. */
export interface HostBatch {
  /** [size, 3, side, side], NCHW, normalised. */
  readonly images: Float32Array<ArrayBuffer>;
  /** Class indices. */
  readonly labels: Int32Array;
  readonly size: number;
  /** Set if the pictures are mixed: see `Targets`. */
  readonly mix?: number | undefined;
}

/** Results on their way from the device. */
export interface StepResult {
  /** One f32: the mean loss of the batch. */
  readonly loss: Readback;
  /** One u32: the number of correctly predicted pictures. */
  readonly correct: Readback;
}

/** Called when a part of a train step has been recorded; for memory planning. */
export type StepMarks = (part: 'forward' | 'backward' | 'update') => void;

/** What a train step does beside the tutorial's. */
export interface StepOptions {
  readonly criterion?: Criterion;
  /** The batch's place among those that make one update together. By default it makes one alone. */
  readonly place?: GroupPlace;
  /** The largest norm of all gradients together; 0, the default, leaves them. */
  readonly gradClip?: number;
  readonly mark?: StepMarks;
}

const ALONE: GroupPlace = { share: 1, updates: true };

/**
 * Records a forward pass, backward and, unless other batches of its group follow, an update of the weights. The loss in
 * the result is that of the batch alone.
 */
export function trainStep(
  gpu: Gpu,
  model: Module,
  optimizer: Optimizer,
  batch: HostBatch,
  { criterion, place = ALONE, gradClip = 0, mark }: StepOptions = {},
): StepResult {
  return scope(() => {
    const { images, labels } = upload(gpu, batch);
    const logits = model.call(images);
    const { loss, counted } = trainLoss(logits, labels, batch, criterion);
    const correct = countCorrect(logits, counted);
    mark?.('forward');
    backward(loss, place.share);
    mark?.('backward');
    if (place.updates) {
      if (gradClip > 0) clipGradNorm(learnersOf(optimizer), gradClip).dispose();
      optimizer.step();
      mark?.('update');
      // The tutorial does it before the next step. Doing it now frees the memory for that step's activations.
      optimizer.zeroGrad();
    }
    return { loss: loss.readback(), correct: correct.readback() };
  });
}

const learnersOf = ({ groups }: Optimizer) => groups.flatMap(({ parameters }) => parameters);

/** Records a forward pass that keeps nothing for backward. */
export function valStep(gpu: Gpu, model: Module, batch: HostBatch): StepResult {
  return scope(() =>
    noGrad(() => {
      const { images, labels } = upload(gpu, batch);
      const logits = model.call(images);
      const loss = crossEntropy(logits, labels);
      const correct = countCorrect(logits, labels);
      return { loss: loss.readback(), correct: correct.readback() };
    }),
  );
}

function upload(gpu: Gpu, { images, labels, size }: HostBatch): { images: Tensor; labels: Tensor<'u32'> } {
  const side = Math.sqrt(images.length / size / 3);
  return {
    images: Tensor.from(gpu, images, [size, 3, side, side]),
    labels: Tensor.from(gpu, Uint32Array.from(labels), [size]),
  };
}
