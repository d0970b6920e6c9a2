/** The scores of a network for a set of pictures: each once, in order. Nothing is random, and no weight changes. */
import { noGrad, scope, Tensor } from '../autograd/index.ts';
import type { DataLoader } from '../data/index.ts';
import type { Gpu, Readback } from '../gpu/gpu.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import type { Chooser } from '../kernels/chooser.ts';
import type { HostBatch } from '../models/step.ts';
import type { Module } from '../nn/index.ts';

/** Batches that may be submitted but not yet read. */
const QUEUE_DEPTH = 2;

/** A network and its pictures. */
export interface ScoreQuestion {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  /** Must be in evaluation mode. */
  readonly model: Module;
  /** Of the set. Every kernel is compiled and the memory is planned for batches of its size. */
  readonly loader: DataLoader;
  readonly watchdog: Watchdog;
  /** Called after each batch with the pictures done so far. */
  readonly onScored?: ((done: number) => void) | undefined;
}

/**
 * Computes the scores of all pictures of the loader's data set.
 * @returns [pictures, classes], row-major: logits
 * @throws WatchdogError; errors of the loader and the device
 */
export async function scoreSet({ gpu, chooser, model, loader, watchdog, onScored }: ScoreQuestion) {
  const { classes, samples } = loader.dataset;
  const width = classes.length;
  const scores = new Float32Array(samples.length * width);
  const submitted: { readonly indices: Int32Array; readonly logits: Readback }[] = [];
  let done = 0;
  const readOldest = async () => {
    const { indices, logits } = submitted.shift()!;
    const result = logits.get();
    // The first result may have to compile kernels.
    const rows = new Float32Array(await (done === 0 ? result : watchdog.watch(result)));
    indices.forEach((index, i) => {
      scores.set(rows.subarray(i * width, (i + 1) * width), index * width);
    });
    done += indices.length;
    onScored?.(done);
  };
  for await (const batch of loader.inOrder()) {
    const logits = gpu.withChooser(chooser, () => forward(gpu, model, batch));
    submitted.push({ indices: batch.indices, logits });
    // The upload has copied the images.
    batch.release();
    while (submitted.length > QUEUE_DEPTH) await readOldest();
  }
  while (submitted.length > 0) await readOldest();
  return scores;
}

function forward(gpu: Gpu, model: Module, { images, size }: Pick<HostBatch, 'images' | 'size'>): Readback {
  const side = Math.sqrt(images.length / size / 3);
  return scope(() => noGrad(() => model.call(Tensor.from(gpu, images, [size, 3, side, side])).readback()));
}
