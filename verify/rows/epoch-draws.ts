/** The loaders' draws for the pictures of a run against torch's: order, crops, flips, and the resulting pixels. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DataLoader,
  DecoderPool,
  drawEpoch,
  Generator,
  IMAGENET_MEAN,
  IMAGENET_STD,
  TRAIN_TRANSFORM,
} from '../../src/data/index.ts';
import { openGpu } from '../../src/gpu/dawn.ts';
import { buildModel, readStart } from '../../src/models/start.ts';
import { openPictures } from '../../src/train/index.ts';
import { all, type Context, type Row } from '../row.ts';
import { runScript } from '../tensors.ts';

const EPOCHS = 3;
const WORKERS = [0, 1, 2, 4];
const BATCH = 4;

interface TorchEpoch {
  /** For each picture [index, top, left, height, width, flip]. */
  readonly train: readonly (readonly number[])[];
  readonly val: readonly number[];
}

export const epochDraws: Row = {
  name: 'epoch-draws',
  title: `order, crop boxes and flips of the first ${EPOCHS} epochs, workers ${WORKERS.join(', ')}, against torch`,
  minutes: 1,
  ci: true,
  run: async (context) => {
    const { train, val } = openPictures(context.data);
    const loader = new DataLoader(train, loaderOptions(new Generator(0), new DecoderPool(0)));
    await loader.prepare();
    const start = await afterConstruction(context);
    return WORKERS.map((workers) => {
      const torch = torchEpochs(context, workers);
      const generator = start.clone();
      let [same, count] = [0, 0];
      for (const epoch of torch) {
        const shared = { batchSize: BATCH, shuffle: true, workers };
        const ours = drawEpoch(generator, { ...shared, count: train.length, sizes: train.sizes });
        const rows = ours.map(({ index, crop }) => {
          const { top, left, height, width } = crop!.box;
          return [index, top, left, height, width, Number(crop!.flip)];
        });
        const order = drawEpoch(generator, { ...shared, count: val.length, sizes: undefined });
        same += epoch.train.filter((row, i) => `${row}` === `${rows[i]}`).length;
        same += epoch.val.filter((index, i) => index === order[i]?.index).length;
        count += epoch.train.length + epoch.val.length;
      }
      const what = `workers ${workers}, ${EPOCHS} epochs of ${train.length} train and ${val.length} val pictures`;
      return all(what, same, Math.max(count, EPOCHS * (train.length + val.length)));
    });
  },
};

export const trainPixels: Row = {
  name: 'train-pixels',
  title: 'every train batch of epoch 0 as pixels, against torchvision on Pillow',
  minutes: 1,
  ci: true,
  run: async (context) => {
    const workers = 2;
    const output = join(context.scratch, 'pixels.bin');
    runScript(context, 'verify/python/train_pixels.py', [output, context.data, `${workers}`]);
    const torch = readFileSync(output);
    const pool = new DecoderPool(2);
    const { train } = openPictures(context.data);
    const generator = await afterConstruction(context);
    const loader = new DataLoader(train, { ...loaderOptions(generator, pool), workers });
    let [offset, batches, differing] = [0, 0, 0];
    for await (const batch of loader) {
      const expected = torch.subarray(offset, offset + batch.images.length);
      offset += batch.images.length;
      batches++;
      const furthest = pixelDifference(batch.images, expected);
      if (furthest === 0) continue;
      differing++;
      const names = Array.from(batch.indices, (index) => train.samples[index]!.path).join(', ');
      console.log(`  batch ${batches - 1}: off by up to ${furthest} (${names})`);
    }
    await pool.close();
    return [
      {
        what: `train batches of epoch 0, workers ${workers}, as uint8`,
        figure: `${batches - differing} of ${batches} equal`,
        bar: 'all equal; differences are listed above',
        holds: differing === 0 && offset === torch.length,
      },
    ];
  },
};

function loaderOptions(generator: Generator, pool: DecoderPool) {
  return { batchSize: BATCH, shuffle: true, transform: TRAIN_TRANSFORM, generator, pool, cacheBytes: 0 };
}

/** The generator of a run with seed 0 at its first epoch, after the draws of the network and its new last layer. */
async function afterConstruction(context: Context): Promise<Generator> {
  const generator = new Generator(0);
  const gpu = await openGpu();
  const start = readStart(context.weights, ['ants', 'bees']);
  buildModel(gpu, start, { classes: 2, mode: 'finetune', random: generator }).dispose();
  gpu.close();
  return generator;
}

/** Largest difference in steps of 255 between a normalised NCHW batch and bytes of the same layout. */
function pixelDifference(images: Float32Array, bytes: Uint8Array): number {
  const area = TRAIN_TRANSFORM.size ** 2;
  let furthest = 0;
  for (let i = 0; i < images.length; i++) {
    const channel = Math.floor(i / area) % 3;
    const byte = Math.round((images[i]! * IMAGENET_STD[channel]! + IMAGENET_MEAN[channel]!) * 255);
    furthest = Math.max(furthest, Math.abs(byte - bytes[i]!));
  }
  return furthest;
}

function torchEpochs(context: Context, workers: number): TorchEpoch[] {
  const output = join(context.scratch, `draws-${workers}.json`);
  runScript(context, 'verify/python/epoch_draws.py', [output, context.data, `${EPOCHS}`, `${workers}`]);
  return JSON.parse(readFileSync(output, 'utf8')) as TorchEpoch[];
}
