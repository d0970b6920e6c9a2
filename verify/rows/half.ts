/** Half-precision storage: the network and pictures of eval-forward, with weights and activations in f16. */
import { join } from 'node:path';
import { ImageFolder } from '../../src/data/index.ts';
import { IMAGENET_CLASSES } from '../../src/predict/index.ts';
import { atLeast, atMost, type Context, type Row, scientific } from '../row.ts';
import { largestDifference, relativeL2 } from '../tensors.ts';
import { CLASSES, ourLogits, theirLogits, top1, valImages } from './eval-forward.ts';

/** Pictures whose answer may change; two of 153 are 1.3 %. */
const CHANGED = 2;

/** ImageNet's names of the classes of the val pictures. */
const NAMES: Readonly<Record<string, string>> = { ants: 'ant', bees: 'bee' };

export const half: Row = {
  name: 'half',
  title: 'f16 storage, evaluation mode, all val pictures, 1000 classes: logits and top-1 against our f32 and PyTorch',
  // Only the kernel for GPUs has f16. It takes 3 seconds per picture on the software adapter: too long for CI.
  minutes: 8,
  ci: false,
  run: async (context) => {
    const images = await valImages(context);
    const count = images.length / (3 * 224 * 224);
    const stored = await ourLogits(context, images, { half: true });
    const single = await ourLogits(context, images);
    const torch = theirLogits(context, images);
    const same = (other: Float32Array) => pictures(count, (i) => top1(stored, i) === top1(other, i));
    const [rightStored, rightSingle] = [stored, single].map((logits) => accuracy(context, logits));
    const ofAll = (found: number) => `${found} of ${count}`;
    return [
      atLeast('pictures whose top-1 class is PyTorch’s', same(torch), count - CHANGED, ofAll),
      atLeast('pictures whose top-1 class is that of our f32', same(single), count - CHANGED, ofAll),
      // f16 has 11 bits, so each stored value has a relative error of up to 4.9e-4. The errors have both signs and
      // average out within a layer's sums; those of 20 layers add up.
      atMost('logits, relative L2 to our f32', relativeL2(stored, single), 1e-3, scientific),
      atMost('logits, relative L2 to PyTorch', relativeL2(stored, torch), 1e-3, scientific),
      // Logits reach 30 here: 3e-3 of the largest.
      atMost('logits, largest difference to our f32', largestDifference(stored, single), 0.05, scientific),
      {
        what: 'val accuracy, an ant or a bee among 1000 classes',
        figure: `${percent(rightStored! / count)}, in f32 ${percent(rightSingle! / count)}`,
        bar: `within ${percent(CHANGED / count)}`,
        holds: Math.abs(rightStored! - rightSingle!) <= CHANGED,
      },
    ];
  },
};

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function pictures(count: number, holds: (picture: number) => boolean): number {
  return Array.from({ length: count }, (_, i) => i).filter(holds).length;
}

/** The number of pictures whose top-1 class is that of their folder. */
function accuracy({ data }: Context, logits: Float32Array): number {
  const { classes, samples } = new ImageFolder(join(data, 'val'));
  const indices = classes.map((name) => IMAGENET_CLASSES.indexOf(NAMES[name] ?? name));
  return pictures(logits.length / CLASSES, (i) => top1(logits, i) === indices[samples[i]!.label]);
}
