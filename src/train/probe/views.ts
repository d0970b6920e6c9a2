/**
 * Augmented views of train pictures: crops and flips drawn as the tutorial draws them, or as `augment` says. A view
 * depends only on the picture's bytes, the seed and the view's number, so that views stay the same, and in the cache, when other pictures
 * come and go.
 */
import { createHash } from 'node:crypto';
import {
  type DecoderPool,
  drawCrop,
  Generator,
  PixelCache,
  readSize,
  type TrainTransform,
  trainTransform,
} from '../../data/index.ts';
import type { InputSpec } from '../../input-spec.ts';
import type { FeatureBatch } from './features.ts';

/** A picture, and the views of it that are wanted, from 1 on. */
export interface ViewedPicture {
  readonly path: string;
  /** Hash of its bytes. */
  readonly content: string;
  readonly views: readonly { readonly view: number; readonly row: string }[];
}

export interface ViewOptions {
  readonly pool: DecoderPool;
  readonly seed: number;
  readonly input: InputSpec;
  readonly batchSize: number;
  readonly maxPixels: number;
  /** What is drawn beside the tutorial's crop and flip. */
  readonly augment?: TrainTransform['augment'];
}

/** Pixels of views that may wait for the network, in batches. */
const BATCHES_AHEAD = 4;
/** Bytes of a decoded picture that its views share; a larger one is decoded for each. */
const MOST_SHARED = 2 ** 26;

/** The generator of one view: it depends on nothing else. */
export function viewGenerator(content: string, seed: number, view: number): Generator {
  const hash = createHash('sha256').update(`${content} ${seed} ${view}`).digest();
  return new Generator(hash.readUInt32LE(0));
}

/** Renders the views of all pictures, in order, in batches. @throws FileError naming a picture that cannot be read */
export async function* viewBatches(
  pictures: readonly ViewedPicture[],
  options: ViewOptions,
): AsyncGenerator<FeatureBatch, void, undefined> {
  const { input, batchSize } = options;
  const numbers = 3 * input.crop ** 2;
  const images = new Float32Array(batchSize * numbers);
  let rows: string[] = [];
  const flush = (): FeatureBatch => {
    const batch = { images: images.subarray(0, rows.length * numbers), rows, release: () => {} };
    rows = [];
    return batch;
  };
  for await (const { rendered, views } of renderAll(pictures, options)) {
    for (const [i, { row }] of views.entries()) {
      images.set(rendered.subarray(i * numbers, (i + 1) * numbers), rows.length * numbers);
      rows.push(row);
      if (rows.length === batchSize) yield flush();
    }
  }
  if (rows.length > 0) yield flush();
}

type Rendered = Pick<ViewedPicture, 'views'> & { readonly rendered: Float32Array<ArrayBuffer> };

/** Some pictures are under way at once; the memory of their views is bounded. */
async function* renderAll(pictures: readonly ViewedPicture[], options: ViewOptions): AsyncGenerator<Rendered> {
  const underway: Promise<Rendered>[] = [];
  const most = Math.max(...pictures.map(({ views }) => views.length), 1);
  const ahead = Math.max(options.pool.threads + 1, Math.floor((BATCHES_AHEAD * options.batchSize) / most));
  let asked = 0;
  while (asked < pictures.length || underway.length > 0) {
    while (asked < pictures.length && underway.length < ahead) {
      const rendering = renderViews(pictures[asked++]!, options);
      // It is awaited in its turn. If an earlier one fails first, this failure does not matter.
      rendering.catch(() => {});
      underway.push(rendering);
    }
    yield await underway.shift()!;
  }
}

/** One picture: a thread decodes it once for all its views. */
async function renderViews(picture: ViewedPicture, options: ViewOptions): Promise<Rendered> {
  const { path, content, views } = picture;
  const { pool, seed, input, maxPixels, augment } = options;
  const transform = trainTransform(input, augment);
  const { width, height } = await readSize(path, { maxPixels });
  const slot = new PixelCache([width * height * 3], MOST_SHARED).slot(0);
  const pictures = views.map(({ view }) => ({
    ...{ path, width, height, slot },
    ...drawCrop(viewGenerator(content, seed, view), width, height, transform),
  }));
  const out = new Float32Array(views.length * 3 * input.crop ** 2);
  const rendered = await pool.render({ transform, pictures }, out);
  return { rendered, views };
}
