/** The loss of a train step: cross entropy, also with weights of the classes, smoothed labels and mixed pictures. */
import { add, crossEntropy, mul, Tensor } from '../autograd/index.ts';

/** What the loss has beside the tutorial's. */
export interface Criterion {
  /** Share of each target that is spread over all classes, 0 to 1; 0 by default. */
  readonly labelSmoothing?: number | undefined;
  /** A factor for each class, in the order of the labels; all alike by default. The mean divides by their sum. */
  readonly classWeights?: readonly number[] | undefined;
}

/** The answers of a batch. */
export interface Targets {
  /** Class indices. */
  readonly labels: Int32Array;
  /** The share of each picture in its mixture with the one before it (the first with the last); undefined: unmixed. */
  readonly mix?: number | undefined;
}

/**
 * The mean loss of logits [N, C]. Of mixed pictures it is share · loss with their own labels + (1 − share) · loss with
 * those of the mixed in; without class weights that is torch's loss with soft labels.
 * @param own the labels on the device
 * @returns the loss, and for each picture the label of its larger share, which an accuracy can count
 */
export function trainLoss(
  logits: Tensor,
  own: Tensor<'u32'>,
  { labels, mix }: Targets,
  criterion: Criterion = {},
): { loss: Tensor; counted: Tensor<'u32'> } {
  const { gpu } = logits;
  const { labelSmoothing = 0, classWeights } = criterion;
  const weight = classWeights && Tensor.from(gpu, Float32Array.from(classWeights), [classWeights.length]);
  const lossWith = (target: Tensor<'u32'>) => crossEntropy(logits, target, { weight, labelSmoothing });
  if (mix === undefined) return { loss: lossWith(own), counted: own };
  const other = Tensor.from(
    gpu,
    Uint32Array.from(labels, (_, i) => labels.at(i - 1)!),
    [labels.length],
  );
  const loss = add(mul(lossWith(own), mix), mul(lossWith(other), 1 - mix));
  return { loss, counted: mix < 0.5 ? other : own };
}
