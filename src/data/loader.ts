/**
 * Batches of pictures in the order and with the crops of torch's DataLoader for the same seed. Two settings are easily
 * confused. `workers` is torch's num_workers and decides only which random stream a picture draws from. `threads` is
 * the number of our decoder threads and changes no value.
 */
import { DawngradError } from '../errors.ts';
import { Generator } from '../random/mt19937.ts';
import {
  type BrokenPicture,
  type CheckOptions,
  type DecodeCheckOptions,
  measurePictures,
  storePictures,
} from './check.ts';
import { DecoderPool } from './decoder-pool.ts';
import { type Draw, drawEpoch } from './draws.ts';
import type { ImageDataset } from './image-folder.ts';
import { mixPictures } from './mixup.ts';
import { PixelCache } from './pixel-cache.ts';
import type { BatchJob } from './render.ts';
import type { Transform } from './transforms.ts';

/** Options of a DataLoader. */
export interface DataLoaderOptions {
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly transform: Transform;
  /** The run's main generator; corresponds to torch's default generator. */
  readonly generator: Generator;
  /** Mixup's alpha: mixes each batch by a share from Beta(alpha, alpha). By default nothing is mixed. */
  readonly mixup?: number | undefined;
  /** torch's num_workers: decides which random stream each picture draws from. Default 0. */
  readonly workers?: number;
  /** Decoder threads of the loader's own pool, if no `pool` is given; 0 decodes in the calling thread. Default 2. */
  readonly threads?: number;
  /** The most pixels of a picture, for the loader's own pool. Default: Pillow's limit, 178,956,970. */
  readonly maxPixels?: number | undefined;
  /** Threads shared with other loaders, and their limit on pixels. The pool's creator must close it. */
  readonly pool?: DecoderPool;
  /** Batches to compute ahead of the current one. Default 4. */
  readonly prefetch?: number;
  /** Memory for decoded pictures, bytes. Default 256 MiB; 0 decodes them in every epoch. */
  readonly cacheBytes?: number;
}

/** One batch. `images` is valid until `release` is called. */
export interface Batch {
  /** size·3·S·S float32, NCHW, normalised. */
  readonly images: Float32Array<ArrayBuffer>;
  /** Class indices. */
  readonly labels: Int32Array;
  /** Under mixup, the share of each picture in its mixture with the one before it, 0 to 1. */
  readonly mix?: number | undefined;
  /** Indices of the samples in the data set. */
  readonly indices: Int32Array;
  /** Number of pictures; the last batch may be smaller. */
  readonly size: number;
  /** Returns the memory of `images` for later batches. Without the call it is garbage collected. */
  release(): void;
}

const DEFAULT_THREADS = 2;
const DEFAULT_PREFETCH = 4;
const DEFAULT_CACHE_BYTES = 256 * 2 ** 20;

/** Each iteration is one epoch and draws new random values. */
export class DataLoader implements AsyncIterable<Batch> {
  readonly dataset: ImageDataset;
  readonly options: DataLoaderOptions;
  private readonly pool: DecoderPool;
  private readonly prefetch: number;
  private readonly free: ArrayBuffer[] = [];
  private cache: PixelCache | undefined;
  /** Those of the data set, or with zeros for pictures that cannot be read. */
  private sizes: Int32Array | undefined;

  constructor(dataset: ImageDataset, options: DataLoaderOptions) {
    const { batchSize, workers = 0, prefetch = DEFAULT_PREFETCH } = options;
    requireWhole('batchSize', batchSize, 1);
    requireWhole('workers', workers, 0);
    requireWhole('prefetch', prefetch, 0);
    this.dataset = dataset;
    this.options = options;
    this.prefetch = prefetch;
    this.pool = options.pool ?? new DecoderPool(options.threads ?? DEFAULT_THREADS, { maxPixels: options.maxPixels });
  }

  /** Batches per epoch. */
  get length(): number {
    return Math.ceil(this.dataset.samples.length / this.options.batchSize);
  }

  /**
   * Starts the threads. For the train transform it also reads the sizes of all pictures, which the crops depend on.
   * Without this call the first epoch does both.
   *
   * @throws FileError naming a picture that cannot be read
   */
  async prepare(): Promise<void> {
    const [broken] = await this.measure();
    if (broken) throw broken.error;
  }

  /**
   * Reads the headers of all pictures. With `decode` it also decodes each once, on all threads, so that an epoch meets
   * none that is broken; what fits the cache is not decoded again.
   *
   * @returns the pictures that cannot be read, in order; go on without them by `without`
   * @throws the signal's reason if that is aborted; MissingPackageError; DawngradError if the pool is closed
   */
  async check({ decode, ...options }: DecodeCheckOptions & { readonly decode: boolean }): Promise<BrokenPicture[]> {
    const { dataset, pool } = this;
    const { transform } = this.options;
    if (!decode) {
      if (transform.kind === 'train') return this.measure(options);
      return (await measurePictures(pool, dataset.samples, options)).broken;
    }
    // The headers take a fraction of the time, so only the decoded pictures count as progress.
    const unread = await this.measure({ signal: options.signal });
    const without = new Set(unread.map(({ index }) => index));
    const jobs = dataset.samples.flatMap(({ path }, index) => {
      if (without.has(index)) return [];
      const { sizes } = this;
      const size = sizes && { width: sizes[index * 2]!, height: sizes[index * 2 + 1]! };
      return [{ index, picture: { path, slot: this.cache!.slot(index), size } }];
    });
    const undecoded = await storePictures(pool, transform, jobs, options);
    return [...unread, ...undecoded].sort((a, b) => a.index - b.index);
  }

  /** The same loader without some samples, by index. It draws as if they were not there. */
  without(indices: ReadonlySet<number>): DataLoader {
    const { sizes } = this;
    const { classes, samples } = this.dataset;
    const kept = samples.map((_, index) => index).filter((index) => !indices.has(index));
    const loader = new DataLoader(
      {
        classes,
        samples: kept.map((index) => samples[index]!),
        ...(sizes && { sizes: Int32Array.from(kept.flatMap((index) => [sizes[index * 2]!, sizes[index * 2 + 1]!])) }),
      },
      { ...this.options, pool: this.pool },
    );
    loader.cache = this.cache?.only(kept);
    return loader;
  }

  /** A loader of the same pictures in their order. It draws nothing from the generator, and shares what is decoded. */
  inOrder(): DataLoader {
    const options = { ...this.options, shuffle: false, generator: new Generator(0), pool: this.pool };
    const loader = new DataLoader(this.dataset, options);
    loader.sizes = this.sizes;
    loader.cache = this.cache;
    return loader;
  }

  /** Starts the threads, reads the sizes for the train transform, and makes the cache. */
  private async measure(options: CheckOptions = {}): Promise<BrokenPicture[]> {
    this.pool.start();
    const { dataset } = this;
    const { transform, cacheBytes = DEFAULT_CACHE_BYTES } = this.options;
    let broken: BrokenPicture[] = [];
    if (transform.kind === 'train' && !dataset.sizes) {
      const measured = await measurePictures(this.pool, dataset.samples, options);
      broken = measured.broken;
      this.sizes = measured.sizes;
      this.cache = undefined;
      // Sizes with gaps are no use to others.
      if (broken.length === 0) dataset.sizes = measured.sizes;
    }
    this.sizes ??= dataset.sizes;
    this.cache ??= new PixelCache(slotSizes(dataset.samples.length, transform, this.sizes), cacheBytes);
    return broken;
  }

  /** One epoch from its first batch on. */
  [Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    return this.epoch();
  }

  /**
   * One epoch. It draws all random values when it begins. A consumer that stops early leaves the main generator where
   * torch would, provided nothing else drew from it in between.
   * @param first the first batch to give; those before it are drawn but not computed
   */
  async *epoch(first = 0): AsyncGenerator<Batch, void, undefined> {
    await this.prepare();
    const { generator } = this.options;
    const before = generator.clone();
    const draws = this.draw();
    const drawn = generator.drawn;
    const underway: Promise<Batch>[] = [];
    let asked = first;
    let given = first;
    try {
      while (given < this.length) {
        while (asked < this.length && asked <= given + this.prefetch) {
          const batch = this.render(draws, asked++);
          // It is awaited in its turn. If an earlier one fails first, this failure does not matter.
          batch.catch(() => {});
          underway.push(batch);
        }
        const batch = await underway.shift()!;
        given++;
        yield batch;
      }
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      if (given < this.length && generator.drawn === drawn) {
        generator.copyFrom(before);
        this.draw(given * this.options.batchSize);
      }
      for (const batch of underway) {
        batch.then(
          (unused) => unused.release(),
          () => {},
        );
      }
    }
  }

  /** Ends the loader's own threads; a shared pool stays open. */
  async close(): Promise<void> {
    if (!this.options.pool) await this.pool.close();
  }

  private draw(limit?: number): Draw[] {
    const { batchSize, shuffle, transform, generator, workers = 0, mixup } = this.options;
    const { samples, sizes } = this.dataset;
    const crops = transform.kind === 'train' ? { sizes, transform } : { sizes: undefined };
    return drawEpoch(generator, { count: samples.length, batchSize, shuffle, workers, ...crops, mixup, limit });
  }

  private async render(draws: readonly Draw[], batch: number): Promise<Batch> {
    const { batchSize, transform } = this.options;
    const { samples } = this.dataset;
    const mine = draws.slice(batch * batchSize, (batch + 1) * batchSize);
    const numbers = 3 * transform.size ** 2;
    // A batch is at most the data set, as in torch.
    const most = Math.min(batchSize, samples.length);
    const buffer = this.free.pop() ?? new ArrayBuffer(most * numbers * 4);
    const images = await this.pool.render(
      this.job(mine, transform),
      new Float32Array(buffer, 0, mine.length * numbers),
    );
    const mix = mine[0]?.mix;
    if (mix !== undefined) mixPictures(images, mine.length, mix);
    let released = false;
    return {
      images,
      labels: Int32Array.from(mine, ({ index }) => samples[index]!.label),
      ...(mix !== undefined && { mix }),
      indices: Int32Array.from(mine, ({ index }) => index),
      size: mine.length,
      release: () => {
        if (!released) this.free.push(images.buffer);
        released = true;
      },
    };
  }

  private job(draws: readonly Draw[], transform: Transform): BatchJob {
    const { samples, sizes } = this.dataset;
    if (transform.kind === 'val') {
      const pictures = draws.map(({ index }) => ({ path: samples[index]!.path, slot: this.cache?.slot(index) }));
      return { transform, pictures };
    }
    const pictures = draws.map(({ index, crop }) => ({
      path: samples[index]!.path,
      width: sizes![index * 2]!,
      height: sizes![index * 2 + 1]!,
      box: crop!.box,
      flip: crop!.flip,
      augmentation: crop!.augmentation,
      slot: this.cache?.slot(index),
    }));
    return { transform, pictures };
  }
}

/** Bytes to cache per picture: the whole picture if crops are random, else the crop. */
function slotSizes(count: number, transform: Transform, sizes: Int32Array | undefined): number[] {
  const crop = transform.size ** 2 * 3;
  return Array.from({ length: count }, (_, i) =>
    transform.kind === 'val' ? crop : sizes![i * 2]! * sizes![i * 2 + 1]! * 3,
  );
}

function requireWhole(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new DawngradError(`DataLoader: expected ${name} to be a whole number of at least ${least}, found ${value}.`);
}
