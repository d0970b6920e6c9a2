/** Judges weights on one set of pictures: each once, in order. Nothing is random, and the weights do not change. */
import { noGrad, scope, Tensor } from '../autograd/index.ts';
import { type DataLoader, placeIn } from '../data/index.ts';
import type { Gpu, Readback } from '../gpu/gpu.ts';
import type { Watchdog } from '../gpu/watchdog.ts';
import { crossEntropyOf, type JudgedSet, type JudgedSource, type Judgement, judge, softmax } from '../judge/index.ts';
import type { Chooser } from '../kernels/chooser.ts';
import type { HostBatch } from '../models/step.ts';
import type { Module } from '../nn/index.ts';

/** Batches that may be submitted but not yet read. */
const QUEUE_DEPTH = 2;

/** A network and the pictures to judge it on. */
export interface JudgeQuestion {
  readonly gpu: Gpu;
  readonly chooser: Chooser;
  /** Must be in evaluation mode. */
  readonly model: Module;
  /** Of the set. Every kernel is compiled and the memory is planned for batches of its size. */
  readonly loader: DataLoader;
  readonly watchdog: Watchdog;
  readonly source: JudgedSource;
  /** Called after each batch with the pictures judged so far. */
  readonly onJudged?: ((done: number) => void) | undefined;
}

/**
 * Judges the network on all pictures of the loader's data set.
 * @throws DawngradError if the network gives scores that are not finite; errors of the loader and the device
 */
export async function judgeSet(question: JudgeQuestion): Promise<Judgement> {
  const { loader, source } = question;
  const { classes, samples } = loader.dataset;
  const scores = judge({
    classes,
    paths: samples.map(({ path }) => placeIn(source.data, path)),
    truths: samples.map(({ label }) => label),
    ...(await answersOf(question)),
  });
  return { version: 1, ...source, ...scores };
}

async function answersOf({
  gpu,
  chooser,
  model,
  loader,
  watchdog,
  onJudged,
}: JudgeQuestion): Promise<Pick<JudgedSet, 'probabilities' | 'losses'>> {
  const { classes, samples } = loader.dataset;
  const width = classes.length;
  const probabilities = new Float64Array(samples.length * width);
  const losses = new Float64Array(samples.length);
  const submitted: { readonly indices: Int32Array; readonly logits: Readback }[] = [];
  let done = 0;
  const readOldest = async () => {
    const { indices, logits } = submitted.shift()!;
    const result = logits.get();
    // The first result may have to compile kernels.
    const rows = new Float32Array(await (done === 0 ? result : watchdog.watch(result)));
    indices.forEach((index, i) => {
      const row = rows.subarray(i * width, (i + 1) * width);
      probabilities.set(softmax(row), index * width);
      losses[index] = crossEntropyOf(row, samples[index]!.label);
    });
    done += indices.length;
    onJudged?.(done);
  };
  for await (const batch of loader.inOrder()) {
    const logits = gpu.withChooser(chooser, () => forward(gpu, model, batch));
    submitted.push({ indices: batch.indices, logits });
    // The upload has copied the images.
    batch.release();
    while (submitted.length > QUEUE_DEPTH) await readOldest();
  }
  while (submitted.length > 0) await readOldest();
  return { probabilities, losses };
}

function forward(gpu: Gpu, model: Module, { images, size }: Pick<HostBatch, 'images' | 'size'>): Readback {
  const side = Math.sqrt(images.length / size / 3);
  return scope(() => noGrad(() => model.call(Tensor.from(gpu, images, [size, 3, side, side])).readback()));
}
