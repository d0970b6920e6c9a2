/** Which features of a probe are known, which pictures have to go through the network, and what came out. */
import { join } from 'node:path';
import { DataLoader, type DecoderPool, Generator, type TrainTransform, valTransform } from '../../data/index.ts';
import { cacheFolder } from '../../fetch/cache-folder.ts';
import type { AdapterTraits } from '../../gpu/gpu.ts';
import type { InputSpec } from '../../input-spec.ts';
import { isConv2dWork } from '../../kernels/conv2d/work.ts';
import { netOfStart, type Start } from '../../models/start.ts';
import type { Phase } from '../../models/types.ts';
import type { Rehearsal } from '../../plan/index.ts';
import type { Pictures } from '../pictures.ts';
import type { Reporter } from '../types.ts';
import { FeatureCache } from './cache.ts';
import { centreBatches, type FeatureBatch } from './features.ts';
import type { FeatureSet } from './head.ts';
import { isKnown, networkKey, rowName } from './keys.ts';
import type { ProbeSettings } from './settings.ts';
import { type ViewedPicture, viewBatches } from './views.ts';

export interface LookupOptions {
  /** All of them, also broken ones. */
  readonly pictures: Pictures;
  readonly settings: ProbeSettings;
  readonly input: InputSpec;
  /** Whether pictures stay as they are stored. */
  readonly ignoreOrientation: boolean;
  readonly start: Pick<Start, 'architecture' | 'net' | 'checkpoint'>;
  /** What views beside the centre get beyond the tutorial's crop and flip. */
  readonly augment: TrainTransform['augment'];
  readonly pool: DecoderPool;
  /** A name for the bytes of each file, by its path. */
  readonly contents: ReadonlyMap<string, string>;
  readonly traits: AdapterTraits;
  readonly rehearsal: Rehearsal;
  /** Whether features are kept on disk. */
  readonly keeps: boolean;
  readonly onNote: (text: string) => void;
}

/** Rows between two writes of the cache: a minute or two on a software adapter. */
const ROWS_BETWEEN_WRITES = 1024;

export class Lookup {
  readonly #options: LookupOptions;
  readonly #cache: FeatureCache | undefined;
  /** Features per picture. */
  readonly #width: number;
  readonly #rows = new Map<string, Float32Array<ArrayBuffer>>();
  /** Where features are kept; undefined if they are not. */
  readonly place: string | undefined;

  constructor(options: LookupOptions) {
    this.#options = options;
    const { keeps, start, traits, rehearsal, input, ignoreOrientation, onNote } = options;
    this.#width = netOfStart(start).featureSize;
    if (!keeps) return;
    const key = networkKey({ start, input, ignoreOrientation, traits, convolutions: convolutionsOf(rehearsal) });
    const folder = join(cacheFolder(), 'features');
    this.place = join(folder, key);
    this.#cache = new FeatureCache({ folder, key, width: this.#width, onNote });
  }

  /** Loaders of the pictures of each phase whose centres are not known. */
  loaders(): Record<Phase, DataLoader> {
    const { pictures, pool, settings, input } = this.#options;
    const { batchSize } = settings;
    const transform = valTransform(input);
    const of = (phase: Phase) => {
      const { classes, samples } = pictures[phase];
      const missing = samples.filter(({ path }) => !this.#get(this.#nameOf(path, 0)));
      // Nothing is drawn: neither the order nor the crop is random.
      const generator = new Generator(0);
      return new DataLoader({ classes, samples: missing }, { batchSize, shuffle: false, transform, generator, pool });
    };
    return { train: of('train'), val: of('val') };
  }

  /** All that has to go through the network. @param loaders without broken pictures */
  async *batches(
    pictures: Pictures,
    loaders: Readonly<Record<Phase, DataLoader>>,
  ): AsyncGenerator<FeatureBatch, void, undefined> {
    const nameOf = (path: string) => this.#nameOf(path, 0);
    yield* centreBatches(loaders.train, nameOf);
    yield* centreBatches(loaders.val, nameOf);
    const { pool, settings, input, augment } = this.#options;
    const viewed = this.#missingViews(pictures);
    if (viewed.length > 0) yield* viewBatches(viewed, { ...settings, input, pool, augment });
  }

  /** Takes the features of a row, and keeps them on disk from time to time. */
  add(row: string, features: Float32Array<ArrayBuffer>): void {
    this.#rows.set(row, features);
    if (!this.#cache || !isKnown(row)) return;
    this.#cache.add(row, features);
    if (this.#cache.unwritten >= ROWS_BETWEEN_WRITES) this.#cache.flush();
  }

  /** Writes to disk what is not there yet. */
  flush(): void {
    this.#cache?.flush();
  }

  /** Reports how far the pass is, now and with each call. */
  progress(pictures: Pictures, reporter: Reporter | undefined): (rows: number) => void {
    const wanted = (['train', 'val'] as const).flatMap((phase) => this.#namesOf(pictures, phase));
    const cached = wanted.filter((row) => this.#get(row)).length;
    const [total, startedAt] = [wanted.length, performance.now()];
    let done = cached;
    const report = (rows: number) => {
      done += rows;
      const seconds = (performance.now() - startedAt) / 1000;
      reporter?.featuresComputed?.({ done, total, cached, seconds });
    };
    report(0);
    return report;
  }

  /** The features of all pictures, once the pass has ended. */
  sets(pictures: Pictures): Record<Phase, FeatureSet> {
    const of = (phase: Phase): FeatureSet => {
      const rows = this.#namesOf(pictures, phase);
      const features = new Float32Array(rows.length * this.#width);
      for (const [i, row] of rows.entries()) features.set(this.#get(row)!, i * this.#width);
      const { samples } = pictures[phase];
      const views = rows.length / samples.length;
      const labels = Uint32Array.from(rows, (_, i) => samples[Math.floor(i / views)]!.label);
      return { features, labels };
    };
    return { train: of('train'), val: of('val') };
  }

  #get(row: string): Float32Array<ArrayBuffer> | undefined {
    return this.#rows.get(row) ?? this.#cache?.get(row);
  }

  #nameOf(path: string, view: number): string {
    const { contents, settings, augment } = this.#options;
    return rowName(contents.get(path)!, view, settings.seed, augment);
  }

  /** The rows of a phase: all views of the first picture, then of the second, and so on. */
  #namesOf(pictures: Pictures, phase: Phase): string[] {
    const views = phase === 'train' ? this.#options.settings.views : 1;
    return pictures[phase].samples.flatMap(({ path }) =>
      Array.from({ length: views }, (_, view) => this.#nameOf(path, view)),
    );
  }

  /** The train pictures of which views beside the centre are not known. */
  #missingViews({ train }: Pictures): ViewedPicture[] {
    const { settings, contents } = this.#options;
    const numbers = Array.from({ length: settings.views - 1 }, (_, i) => i + 1);
    return train.samples.flatMap(({ path }) => {
      const views = numbers
        .map((view) => ({ view, row: this.#nameOf(path, view) }))
        .filter(({ row }) => !this.#get(row));
      return views.length > 0 ? [{ path, content: contents.get(path)!, views }] : [];
    });
  }
}

/** The kernels of the pass: those of the last layer depend on the number of pictures, and decide no feature. */
function convolutionsOf({ works, choices }: Rehearsal): Record<string, string> {
  const names = works.flatMap(({ work }) => (isConv2dWork(work) ? [work.name] : []));
  return Object.fromEntries(names.sort().map((name) => [name, choices[name]!]));
}
