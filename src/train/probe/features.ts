/** The features of pictures: one pass through the frozen network, in batches, while threads decode ahead. */
import { noGrad, scope, Tensor } from '../../autograd/index.ts';
import type { DataLoader } from '../../data/index.ts';
import { FileError } from '../../errors.ts';
import type { Gpu, Readback } from '../../gpu/gpu.ts';
import type { Watchdog } from '../../gpu/watchdog.ts';
import type { Chooser } from '../../kernels/chooser.ts';
import type { Classifier } from '../../models/index.ts';

/** Pictures on their way through the network. */
export interface FeatureBatch {
  /** [rows, 3, S, S], normalised; valid until `release`. */
  readonly images: Float32Array<ArrayBuffer>;
  /** A name for the features of each picture. */
  readonly rows: readonly string[];
  release(): void;
}

export interface FeaturePass {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  /** In evaluation mode. */
  readonly model: Classifier;
  readonly imageSize: number;
  readonly watchdog: Watchdog;
  readonly signal: AbortSignal | undefined;
  /** For the message if features are not finite. */
  readonly weights: string;
  /** Called with the features of each picture, [width], in order. */
  readonly onRow: (row: string, features: Float32Array<ArrayBuffer>) => void;
  /** Called after each batch. */
  readonly onBatch: (rows: number) => void;
}

/** Batches on the device before the oldest is read. */
const QUEUE_DEPTH = 1;

/** The centres of a loader's pictures, in its order. @param nameOf the name for a picture's features, by its path */
export async function* centreBatches(
  loader: DataLoader,
  nameOf: (path: string) => string,
): AsyncGenerator<FeatureBatch, void, undefined> {
  const { samples } = loader.dataset;
  if (samples.length === 0) return;
  for await (const batch of loader) {
    const { images, indices } = batch;
    const rows = Array.from(indices, (index) => nameOf(samples[index]!.path));
    yield { images, rows, release: () => batch.release() };
  }
}

/**
 * Computes the features of all batches.
 * @throws FileError if features are not finite; the signal's reason once it is aborted and what was submitted is read;
 *   WatchdogError; errors of the batches and the device
 */
export async function computeFeatures(batches: AsyncIterable<FeatureBatch>, pass: FeaturePass): Promise<void> {
  const submitted: { readonly rows: readonly string[]; readonly features: Readback }[] = [];
  let isFirst = true;
  const readOldest = async () => {
    const { rows, features } = submitted.shift()!;
    // The first may have to compile kernels.
    const bytes = await (isFirst ? features.get() : pass.watchdog.watch(features.get()));
    isFirst = false;
    const values = new Float32Array(bytes);
    const { featureSize: width } = pass.model;
    for (const [i, row] of rows.entries()) {
      const own = values.slice(i * width, (i + 1) * width);
      if (!own.every(Number.isFinite)) throw notFinite(pass.weights);
      pass.onRow(row, own);
    }
    pass.onBatch(rows.length);
  };
  pass.signal?.throwIfAborted();
  for await (const { images, rows, release } of batches) {
    submitted.push({ rows, features: submit(pass, images, rows.length) });
    // The upload has copied the images.
    release();
    while (submitted.length > QUEUE_DEPTH) await readOldest();
    if (pass.signal?.aborted) break;
  }
  while (submitted.length > 0) await readOldest();
  pass.signal?.throwIfAborted();
}

function submit({ gpu, chooser, model, imageSize }: FeaturePass, images: Float32Array<ArrayBuffer>, size: number) {
  const compute = () => model.features(Tensor.from(gpu, images, [size, 3, imageSize, imageSize])).readback();
  return gpu.withChooser(chooser, () => scope(() => noGrad(compute)));
}

function notFinite(weights: string): FileError {
  return new FileError(
    `${weights}: the network's features of a picture are not all finite numbers. The weights hold NaN, infinity or ` +
      'values too large: give others.',
  );
}
