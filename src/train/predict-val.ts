/** Predictions for a few pictures of val. */
import { noGrad, scope, Tensor } from '../autograd/index.ts';
import { DataLoader, type DecoderPool, Generator, type ImageDataset, type Transform } from '../data/index.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Chooser } from '../kernels/chooser.ts';
import type { Module } from '../nn/index.ts';

export interface ValPredictions {
  /** The network's input: [size, 3, side, side], NCHW, normalised. */
  readonly images: Float32Array<ArrayBuffer>;
  readonly size: number;
  readonly results: readonly {
    /** Index of the predicted class. */
    readonly predicted: number;
    readonly actual: number;
    /** Probability of the predicted class, 0 to 1. */
    readonly probability: number;
  }[];
}

export interface ValQuestion {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  /** Must be in evaluation mode. */
  readonly model: Module;
  readonly dataset: ImageDataset;
  readonly transform: Transform;
  readonly pool: DecoderPool;
  /** Pictures in a batch of val. Every kernel is compiled and the memory is planned for this size. */
  readonly batchSize: number;
}

/**
 * Predicts `count` pictures, or all if there are fewer. It takes them evenly spread over the files, so each class gets
 * its share. Nothing is random.
 * @throws RangeError if there is no picture; errors of the loader and the device
 */
export async function predictVal(question: ValQuestion, count: number): Promise<ValPredictions> {
  const { dataset, transform, pool, batchSize } = question;
  const { classes, samples } = dataset;
  const size = Math.min(count, samples.length);
  const chosen = spread(samples.length, size).map((index) => samples[index]!);
  // A separate generator leaves the run's random values unchanged.
  const loader = new DataLoader(
    { classes, samples: chosen },
    { batchSize: size, shuffle: false, transform, generator: new Generator(0), pool, cacheBytes: 0 },
  );
  for await (const { images } of loader) {
    const results: ValPredictions['results'][number][] = [];
    const numbers = images.length / size;
    for (let first = 0; first < size; first += batchSize) {
      const some = Math.min(batchSize, size - first);
      // Unused places of the batch stay 0: in evaluation mode pictures do not affect each other.
      const batch = new Float32Array(batchSize * numbers);
      batch.set(images.subarray(first * numbers, (first + some) * numbers));
      const logits = await forward(question, batch);
      for (let i = 0; i < some; i++) {
        const row = logits.subarray(i * classes.length, (i + 1) * classes.length);
        results.push({ ...likeliest(row), actual: chosen[first + i]!.label });
      }
    }
    return { images, size, results };
  }
  throw new RangeError('predictVal: expected at least one picture, found none.');
}

/** The midpoints of `size` equal parts of 0 … count − 1. */
function spread(count: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(((i + 0.5) * count) / size));
}

async function forward(question: ValQuestion, batch: Float32Array<ArrayBuffer>): Promise<Float32Array> {
  const { gpu, chooser, model, batchSize, transform } = question;
  const compute = () => {
    const images = Tensor.from(gpu, batch, [batchSize, 3, transform.size, transform.size]);
    return model.call(images).readback();
  };
  const logits = gpu.withChooser(chooser, () => scope(() => noGrad(compute)));
  return new Float32Array(await logits.get());
}

/** The class of the largest logit (the first among equals) and its softmax. */
function likeliest(logits: Float32Array): { predicted: number; probability: number } {
  const predicted = logits.reduce((best, value, i) => (value > logits[best]! ? i : best), 0);
  const sum = logits.reduce((total, value) => total + Math.exp(value - logits[predicted]!), 0);
  return { predicted, probability: 1 / sum };
}
