/** The computations on one batch. Nothing here waits for the device. */
import { backward, countCorrect, crossEntropy, noGrad, scope, Tensor } from '../autograd/index.ts';
import type { Gpu, Readback } from '../gpu/gpu.ts';
import type { Module } from '../nn/index.ts';
import type { Optimizer } from '../optim/index.ts';
import { type Criterion, trainLoss } from './criterion.ts';

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
  readonly mark?: StepMarks;
}

/** Records a forward pass, backward and an update of the weights. */
export function trainStep(
  gpu: Gpu,
  model: Module,
  optimizer: Optimizer,
  batch: HostBatch,
  { criterion, mark }: StepOptions = {},
): StepResult {
  return scope(() => {
    const { images, labels } = upload(gpu, batch);
    const logits = model.call(images);
    const { loss, counted } = trainLoss(logits, labels, batch, criterion);
    const correct = countCorrect(logits, counted);
    mark?.('forward');
    backward(loss);
    mark?.('backward');
    optimizer.step();
    mark?.('update');
    // The tutorial does it before the next step. Doing it now frees the memory for that step's activations.
    optimizer.zeroGrad();
    return { loss: loss.readback(), correct: correct.readback() };
  });
}

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
