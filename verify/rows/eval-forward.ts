/** ResNet-18 with 1000 classes in evaluation mode on all val pictures, against PyTorch. */
import { join } from 'node:path';
import { noGrad, scope, Tensor } from '../../src/autograd/index.ts';
import { DataLoader, Generator, ImageFolder, VAL_TRANSFORM } from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { resnet18 } from '../../src/models/index.ts';
import { readCheckpoint } from '../../src/weights/index.ts';
import { all, atMost, type Context, type Row, scientific } from '../row.ts';
import { largestDifference, runPython } from '../tensors.ts';

export const CLASSES = 1000;
/** Does not divide 153, so the last batch is smaller. */
const BATCH = 4;

export const evalForward: Row = {
  name: 'eval-forward',
  title: 'evaluation mode, all val pictures, 1000 classes: top-1 and logits against PyTorch',
  minutes: 2,
  ci: true,
  run: async (context) => {
    const images = await valImages(context);
    const count = images.length / (3 * 224 * 224);
    const ours = await ourLogits(context, images);
    const theirs = theirLogits(context, images);
    const equal = Array.from({ length: count }, (_, i) => i).filter((i) => top1(ours, i) === top1(theirs, i));
    return [
      all('pictures whose top-1 class is PyTorch’s', equal.length, count),
      // Logits reach 30 here. Float32 sums over 4608 products, in 20 layers, differ by some 1e-5.
      atMost('logits, largest difference', largestDifference(ours, theirs), 1e-4, scientific),
    ];
  },
};

/** PyTorch's logits of the same pictures. */
export function theirLogits(context: Context, images: Float32Array<ArrayBuffer>): Float32Array {
  const inputs = new Map([['images', { shape: [images.length / (3 * 224 * 224), 3, 224, 224], data: images }]]);
  return runPython(context, 'eval.py', inputs, [context.weights]).tensors.get('logits')!.data;
}

/** The val pictures from the loader, whose pixels are Pillow's (see val-transform), [count, 3, 224, 224]. */
export async function valImages(context: Context): Promise<Float32Array<ArrayBuffer>> {
  const dataset = new ImageFolder(join(context.data, 'val'));
  const generator = new Generator(0);
  const loader = new DataLoader(dataset, { batchSize: 16, shuffle: false, transform: VAL_TRANSFORM, generator });
  const all = new Float32Array(dataset.samples.length * 3 * 224 * 224);
  let offset = 0;
  for await (const batch of loader) {
    const used = batch.images.subarray(0, batch.size * 3 * 224 * 224);
    all.set(used, offset);
    offset += used.length;
    batch.release();
  }
  await loader.close();
  return all;
}

/** The logits of every picture, [count, CLASSES]; `half` stores values as f16. */
export async function ourLogits(
  context: Context,
  images: Float32Array<ArrayBuffer>,
  { half = false } = {},
): Promise<Float32Array> {
  const count = images.length / (3 * 224 * 224);
  const gpu = await openGpu({ half });
  const model = resnet18(gpu, { classes: CLASSES, init: 'skip' });
  model.loadStateDict(readCheckpoint(context.weights).tensors);
  model.eval();
  if (half) model.half();
  const logits = new Float32Array(count * CLASSES);
  for (let first = 0; first < count; first += BATCH) {
    const size = Math.min(BATCH, count - first);
    const pixels = images.subarray(first * 3 * 224 * 224, (first + size) * 3 * 224 * 224);
    const output = noGrad(() => scope(() => model.call(Tensor.from(gpu, pixels, [size, 3, 224, 224]))));
    logits.set(await output.data(), first * CLASSES);
    output.dispose();
  }
  gpu.close();
  return logits;
}

/** Index of the largest logit of a picture. */
export function top1(logits: Float32Array, row: number): number {
  const own = logits.subarray(row * CLASSES, (row + 1) * CLASSES);
  return own.indexOf(Math.max(...own));
}
