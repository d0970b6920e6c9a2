/**
 * The last layer of a linear probe, trained on features that are computed once. A step takes all of them, so neither the
 * order of pictures nor the size of a batch has a say. The layer learns on standardised features (their means taken off,
 * one scale for all), which makes one learning rate fit any network and data; what is measured and kept is the same
 * layer for the features as they are.
 */
import { backward, countCorrect, crossEntropy, linear, noGrad, scope, Tensor } from '../../autograd/index.ts';
import type { Gpu, Readback } from '../../gpu/gpu.ts';
import type { Criterion } from '../../models/criterion.ts';
import { SGD } from '../../optim/index.ts';

/** Features of some pictures, and their classes. */
export interface FeatureSet {
  /** [rows, width], row-major. */
  readonly features: Float32Array<ArrayBuffer>;
  /** Class indices, one for each row. */
  readonly labels: Uint32Array;
}

/** A last layer on the host. */
export interface HeadWeights {
  /** [classes, width]. */
  readonly weight: Float32Array<ArrayBuffer>;
  /** [classes]. */
  readonly bias: Float32Array<ArrayBuffer>;
}

export interface HeadOptions {
  /** Numbers of a feature. */
  readonly width: number;
  readonly train: FeatureSet;
  readonly val: FeatureSet;
  /** Where training begins, for the features as they are. */
  readonly initial: HeadWeights;
  readonly lr: number;
  readonly momentum: number;
  /** Strength of the decay of the layer's weights towards 0; the biases do not decay. */
  readonly weightDecay: number;
  /** The loss to learn by; val is always measured by plain cross entropy. */
  readonly criterion?: Criterion | undefined;
}

/** Sums of a phase on their way from the device, in parts. */
export interface HeadResult {
  readonly parts: readonly {
    readonly size: number;
    /** How much the part's loss counts; all shares make 1. */
    readonly share: number;
    readonly loss: Readback;
    readonly correct: Readback;
  }[];
}

/** One epoch on its way from the device: the loss before its step, then val and the layer after it. */
export interface HeadEpoch {
  readonly train: HeadResult;
  readonly val: HeadResult;
  readonly weight: Readback;
  readonly bias: Readback;
}

/** A part of a feature set on the device. */
interface Part {
  readonly size: number;
  /** How much it counts in the loss: its share of the rows, or of their classes' weights. */
  readonly share: number;
  readonly rows: Tensor;
  readonly labels: Tensor<'u32'>;
}

/** Bytes of a part's features: WebGPU's smallest limit of a binding is 128 MiB. */
const PART_BYTES = 64 * 2 ** 20;

/** Dispose it: its tensors belong to no scope. */
export class Head {
  readonly #train: readonly Part[];
  readonly #val: readonly Part[];
  readonly #weight: Tensor;
  readonly #bias: Tensor;
  readonly #optimizer: SGD;
  /** [1, width] */
  readonly #means: Tensor;
  readonly #scale: number;
  readonly #classWeights: Tensor | undefined;
  readonly #labelSmoothing: number;

  /** @param partBytes most bytes of features in one tensor */
  constructor(gpu: Gpu, options: HeadOptions, partBytes = PART_BYTES) {
    const { width, train, val, initial, lr, momentum, weightDecay, criterion = {} } = options;
    const { labelSmoothing = 0, classWeights } = criterion;
    const rowsInPart = Math.max(1, Math.floor(partBytes / (4 * width)));
    this.#labelSmoothing = labelSmoothing;
    this.#classWeights = classWeights && Tensor.from(gpu, classWeights, [classWeights.length]);
    const { means, scale } = statisticsOf(train.features, width);
    this.#scale = scale;
    this.#means = Tensor.from(gpu, means, [1, width]);
    const learnt = { ...train, features: standardised(train.features, means, scale) };
    this.#train = upload(gpu, learnt, width, rowsInPart, classWeights);
    this.#val = upload(gpu, val, width, rowsInPart);
    const classes = initial.bias.length;
    const begin = forStandardised(initial, means, scale);
    this.#weight = Tensor.from(gpu, begin.weight, [classes, width]);
    this.#bias = Tensor.from(gpu, begin.bias, [classes]);
    this.#weight.requiresGrad = true;
    this.#bias.requiresGrad = true;
    const groups = [{ parameters: [this.#weight] }, { parameters: [this.#bias], weightDecay: 0 }];
    this.#optimizer = new SGD(groups, { lr, momentum, weightDecay });
  }

  /** Records one epoch; nothing waits for the device. */
  epoch(): HeadEpoch {
    return scope(() => {
      const train = this.#learn();
      return noGrad(() => {
        const { weight, bias } = this.#folded();
        const val = { parts: this.#val.map((part) => measure(part, weight, bias)) };
        return { train, val, weight: weight.readback(), bias: bias.readback() };
      });
    });
  }

  dispose(): void {
    this.#optimizer.dispose();
    for (const { rows, labels } of [...this.#train, ...this.#val]) {
      rows.dispose();
      labels.dispose();
    }
    for (const tensor of [this.#weight, this.#bias, this.#means, this.#classWeights]) tensor?.dispose();
  }

  #learn(): HeadResult {
    const criterion = { weight: this.#classWeights, labelSmoothing: this.#labelSmoothing };
    const parts = this.#train.map(({ size, share, rows, labels }) => {
      const logits = linear(rows, this.#weight, this.#bias);
      const loss = crossEntropy(logits, labels, criterion);
      const correct = countCorrect(logits, labels);
      // Gradients of the parts add up to that of the mean over all rows.
      backward(share === 1 ? loss : loss.mul(share));
      return { size, share, loss: loss.readback(), correct: correct.readback() };
    });
    this.#optimizer.step();
    this.#optimizer.zeroGrad();
    return { parts };
  }

  /** The layer for features as they are: W·s and b − W·s·means. */
  #folded(): { weight: Tensor; bias: Tensor } {
    const weight = this.#weight.mul(this.#scale);
    const shift = linear(this.#means, weight).reshape([this.#bias.size]);
    return { weight, bias: this.#bias.sub(shift) };
  }
}

/**
 * The scores of a layer on the host, summed in double: a handful of classes takes less time than the device needs to
 * answer.
 * @returns [rows, classes]
 */
export function scoresOf({ features, labels }: FeatureSet, { weight, bias }: HeadWeights): Float32Array {
  const [rows, classes] = [labels.length, bias.length];
  const width = weight.length / classes;
  const scores = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    for (let label = 0; label < classes; label++) {
      let sum = bias[label]!;
      for (let i = 0; i < width; i++) sum += features[row * width + i]! * weight[label * width + i]!;
      scores[row * classes + label] = sum;
    }
  }
  return scores;
}

function measure({ size, share, rows, labels }: Part, weight: Tensor, bias: Tensor): HeadResult['parts'][number] {
  const logits = linear(rows, weight, bias);
  const loss = crossEntropy(logits, labels);
  return { size, share, loss: loss.readback(), correct: countCorrect(logits, labels).readback() };
}

function upload(
  gpu: Gpu,
  { features, labels }: FeatureSet,
  width: number,
  rowsInPart: number,
  classWeights?: readonly number[],
): Part[] {
  const weightOf = (some: Uint32Array) => some.reduce((sum, label) => sum + (classWeights?.[label] ?? 1), 0);
  const total = weightOf(labels);
  const parts: Part[] = [];
  for (let first = 0; first < labels.length; first += rowsInPart) {
    const own = labels.slice(first, first + rowsInPart);
    const size = own.length;
    parts.push({
      size,
      share: weightOf(own) / total,
      rows: Tensor.from(gpu, features.subarray(first * width, (first + size) * width), [size, width]),
      labels: Tensor.from(gpu, own, [size]),
    });
  }
  return parts;
}

/** The mean of each feature, and 1 / the root of the mean square of all deviations from them; summed in double. */
function statisticsOf(features: Float32Array, width: number): { means: Float32Array<ArrayBuffer>; scale: number } {
  const rows = features.length / width;
  const sums = new Float64Array(width);
  for (let i = 0; i < features.length; i++) sums[i % width]! += features[i]!;
  const means = Float32Array.from(sums, (sum) => sum / rows);
  let squares = 0;
  for (let i = 0; i < features.length; i++) squares += (features[i]! - means[i % width]!) ** 2;
  const deviation = Math.sqrt(squares / features.length);
  // Pictures that all have the same features teach nothing; any scale will do.
  return { means, scale: deviation > 0 ? 1 / deviation : 1 };
}

function standardised(features: Float32Array, means: Float32Array, scale: number): Float32Array<ArrayBuffer> {
  const width = means.length;
  const result = new Float32Array(features.length);
  for (let i = 0; i < features.length; i++) result[i] = (features[i]! - means[i % width]!) * scale;
  return result;
}

/** The layer that gives standardised features the scores that `layer` gives the features as they are. */
function forStandardised({ weight, bias }: HeadWeights, means: Float32Array, scale: number): HeadWeights {
  const width = means.length;
  return {
    weight: weight.map((value) => value / scale),
    bias: bias.map((value, row) => means.reduce((sum, mean, i) => sum + mean * weight[row * width + i]!, value)),
  };
}
