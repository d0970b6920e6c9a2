/** A trained network, ready to say what pictures show. */
import { noGrad, scope, Tensor } from '../autograd/index.ts';
import { DecoderPool, valTransform } from '../data/index.ts';
import { DawngradError, FileError, UsageError } from '../errors.ts';
import { type AdapterPreference, openGpu } from '../gpu/dawn.ts';
import type { AdapterTraits, Gpu, Readback } from '../gpu/gpu.ts';
import { type Chooser, chooserOf } from '../kernels/chooser.ts';
import type { ResNet } from '../models/index.ts';
import { architectureOf, buildModel, type Start } from '../models/start.ts';
import type { Architecture } from '../models/types.ts';
import { StateDictError } from '../nn/index.ts';
import { checkLimits, checkNumber, type FindTuned, NUMBER_OPTIONS, rehearse } from '../plan/index.ts';
import { type Checkpoint, readCheckpoint } from '../weights/index.ts';
import { type ClassNames, classNamesOf } from './class-names.ts';
import { likeliest, type Ranking } from './ranking.ts';
import { type PictureInput, type Rendered, renderAhead, type Unreadable } from './render-ahead.ts';

/** How a predictor runs. */
export interface PredictorOptions {
  /** Pictures that the device computes at once; default 8. More take more memory, and on a GPU less time for each. */
  readonly batchSize?: number | undefined;
  /** Threads that decode pictures; changes no value. Default: one per core, at most 4. */
  readonly threads?: number | undefined;
  /**
   * Side of the square that the network sees, pixels, from the middle of the picture after its shorter side was made
   * 256/224 of it. Default: what the checkpoint says it was trained on, else 224.
   */
  readonly imageSize?: number | undefined;
  /**
   * Half-precision storage: weights and activations are kept in f16, and still computed with in f32. It takes half the
   * memory, and changes scores by some ten-thousandths of their size. For GPUs: not every adapter can, and a software adapter
   * gets much slower. Off by default.
   */
  readonly half?: boolean | undefined;
  /** Which adapter to open; the fastest by default. */
  readonly adapter?: AdapterPreference | undefined;
  /** Asked once the device is open; without it the predictor goes by the chooser of `gpu`, or else by the shipped tables. */
  readonly tuned?: FindTuned | undefined;
  /** A device to use instead of opening one, with `half` one that was opened for it. It is left open, as it was. */
  readonly gpu?: Gpu | undefined;
}

/** What to tell of each picture. */
export interface PredictOptions {
  /** How many of the likeliest classes to tell; all where there are fewer. Default 5. */
  readonly top?: number | undefined;
}

/** What a picture was taken for. */
export interface Prediction {
  /** As it was given; undefined where pixels were given. */
  readonly path: string | undefined;
  /** The likeliest classes, the likeliest first: `top[0]` is the answer. */
  readonly top: Ranking;
}

/** Default of `PredictorOptions.batchSize`. */
export const DEFAULT_BATCH_SIZE = 8;
/** Default of `PredictOptions.top`. */
export const DEFAULT_TOP = 5;

/** Of a checkpoint that this program wrote: the side of the square that the network was trained on, pixels. */
const IMAGE_SIZE_KEY = 'imageSize';

/** Batches that the device has to do while the results of the one before are waited for and handed out. */
const QUEUE_DEPTH = 1;

/**
 * Reads a checkpoint and puts its network on a device. Whoever opens a predictor closes it: until then Node does not exit.
 * @param weights a .pth or .safetensors file of a resnet18 or resnet34, such as a run's best.safetensors
 * @throws FileError naming the file if it cannot be read or is of another network; UsageError if an option makes no sense;
 *   NoAdapterError, OutOfMemoryError or GpuError of the device; MissingFeatureError where it cannot do half precision
 */
export async function openPredictor(weights: string, options: PredictorOptions = {}): Promise<Predictor> {
  const checkpoint = readCheckpoint(weights);
  const architecture = architectureOf(weights, checkpoint);
  const classes = classNamesOf(checkpoint, countOutputs(weights, checkpoint));
  const imageSize = checkNumber('imageSize', options.imageSize ?? recordedImageSize(checkpoint));
  const batchSize = checkNumber('batchSize', options.batchSize ?? DEFAULT_BATCH_SIZE);
  const threads = checkNumber('threads', options.threads ?? NUMBER_OPTIONS.threads.default);
  const network = { architecture, loadsLastLayer: true };
  const start: Start = { ...network, checkpoint, description: weights };
  const { half = false, adapter } = options;
  const gpu = options.gpu ?? (await openGpu({ ...(adapter && { adapter }), half }));
  try {
    const count = classes.names.length;
    // Convolutions whose weights are frozen derive more from them, as it is done only once.
    const built = { classes: count, mode: 'extract' } as const;
    // What it takes to measure a batch is what it takes to predict one.
    const pictures = { train: 0, val: batchSize };
    const question = { ...built, imageSize, batchSize, momentum: 0, pictures, start: network, half };
    const chooser = chooserOf(gpu).fresh(await options.tuned?.(gpu.traits, question));
    checkLimits(rehearse(gpu.traits, question, chooser.settings).memory, gpu);
    const model = buildModel(gpu, start, built).eval();
    if (half) model.half();
    const ownsGpu = options.gpu === undefined;
    const facts = { weights, architecture, classes, imageSize, batchSize, threads, half };
    return new Predictor({ ...facts, gpu, ownsGpu, chooser, model });
  } catch (error) {
    if (!options.gpu) gpu.close();
    if (!(error instanceof StateDictError)) throw error;
    throw new FileError(`${weights}: ${error.message}`, { cause: error });
  }
}

/** Classes that the last layer tells apart. */
function countOutputs(path: string, { tensors }: Checkpoint): number {
  const outputs = tensors.get('fc.weight')?.shape[0];
  if (outputs !== undefined && outputs >= 2) return outputs;
  const found = outputs === undefined ? 'none' : `one with ${outputs}`;
  throw new FileError(
    `${path}: expected a last layer (fc.weight) with two or more outputs, one per class, found ${found}. ` +
      'Give the weights of a whole network, such as the best.safetensors of a run.',
  );
}

function recordedImageSize({ metadata }: Checkpoint): number {
  const rule = NUMBER_OPTIONS.imageSize;
  const recorded = Number(metadata[IMAGE_SIZE_KEY]);
  // Another program's entry of that name may be anything.
  return Number.isSafeInteger(recorded) && recorded >= rule.least ? recorded : rule.default;
}

interface Parts {
  readonly weights: string;
  readonly architecture: Architecture;
  readonly classes: ClassNames;
  readonly imageSize: number;
  readonly batchSize: number;
  readonly threads: number;
  readonly half: boolean;
  readonly gpu: Gpu;
  readonly ownsGpu: boolean;
  /** Of this predictor alone. */
  readonly chooser: Chooser;
  readonly model: ResNet;
}

/** Pictures of a batch on its way, with the unreadable ones among them in their places. */
interface Submitted {
  readonly entries: readonly (Rendered | Unreadable)[];
  /** Logits [pictures, classes]; undefined where none of the entries is a picture. */
  readonly logits: Readback | undefined;
}

/** Made by `openPredictor`. */
export class Predictor {
  /** The file that the weights are from. */
  readonly weights: string;
  readonly architecture: Architecture;
  /** Names of the classes, in the order of the network's outputs. */
  readonly classes: readonly string[];
  /** Where the names come from: the checkpoint, ImageNet's list, or nowhere, and then they are `class 0` and so on. */
  readonly namesFrom: ClassNames['source'];
  /** Side of the square that the network sees, pixels. */
  readonly imageSize: number;
  /** Whether weights and activations are stored in half precision. */
  readonly half: boolean;
  /** What the network runs on. */
  readonly adapter: AdapterTraits;
  readonly #parts: Parts;
  readonly #pool: DecoderPool;
  /** Decodes in the calling thread. */
  readonly #noThreads = new DecoderPool(0);
  #closed = false;

  /** @internal */
  constructor(parts: Parts) {
    this.weights = parts.weights;
    this.architecture = parts.architecture;
    this.classes = parts.classes.names;
    this.namesFrom = parts.classes.source;
    this.imageSize = parts.imageSize;
    this.half = parts.half;
    this.adapter = parts.gpu.traits;
    this.#parts = parts;
    this.#pool = new DecoderPool(parts.threads);
  }

  /**
   * What each picture shows, in the order of the pictures.
   * @throws FileError naming the first picture that cannot be read (`each` goes on instead); else as `each`
   */
  async predict(pictures: readonly PictureInput[], options: PredictOptions = {}): Promise<Prediction[]> {
    const predictions: Prediction[] = [];
    for await (const outcome of this.each(pictures, options)) {
      if ('error' in outcome) throw outcome.error;
      predictions.push(outcome);
    }
    return predictions;
  }

  /**
   * The same one by one, for pictures without number: a few batches are held at a time, decoded on threads while the
   * device computes. A file that cannot be read gives its error in its place.
   * @throws UsageError if an option makes no sense; FileError naming the weights if they give scores that are no numbers;
   *   DawngradError if pixels do not fit their size, or the predictor is closed; errors of the device
   */
  async *each(
    pictures: readonly PictureInput[],
    options: PredictOptions = {},
  ): AsyncGenerator<Prediction | Unreadable, void, undefined> {
    const top = checkTop(options.top ?? DEFAULT_TOP);
    const { imageSize, batchSize, threads } = this.#parts;
    if (this.#closed) throw new DawngradError('This predictor was closed; open another one.');
    const numbers = 3 * imageSize ** 2;
    // No shader depends on how many pictures there are, so that a smaller last batch compiles nothing anew, and is filled
    // up with nothing.
    const batch = new Float32Array(Math.min(batchSize, pictures.length) * numbers);
    const rendered = renderAhead(pictures, {
      transform: valTransform(imageSize),
      // With one picture there is nothing to do meanwhile, and starting threads takes longer than decoding it.
      pool: pictures.length === 1 ? this.#noThreads : this.#pool,
      ahead: Math.max(batchSize, threads) * 2,
    });

    const submitted: Submitted[] = [];
    let entries: (Rendered | Unreadable)[] = [];
    let count = 0;
    const submit = () => {
      submitted.push({
        entries,
        logits: count > 0 ? this.#submit(batch.subarray(0, count * numbers), count) : undefined,
      });
      entries = [];
      count = 0;
    };
    for await (const entry of rendered) {
      entries.push(entry);
      if ('image' in entry) {
        batch.set(entry.image, count++ * numbers);
        entry.release();
      }
      if (count < batchSize) continue;
      submit();
      if (submitted.length > QUEUE_DEPTH) yield* await this.#read(submitted.shift()!, top);
    }
    if (entries.length > 0) submit();
    while (submitted.length > 0) yield* await this.#read(submitted.shift()!, top);
  }

  /**
   * Ends the decoder threads, frees the network, and closes the device unless it was given. What is under way fails. May
   * be called twice.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { model, gpu, ownsGpu } = this.#parts;
    if (ownsGpu) gpu.close();
    else model.dispose();
    await this.#pool.close();
  }

  /** Records one batch, which is uploaded at once and may be overwritten then. */
  #submit(images: Float32Array<ArrayBuffer>, count: number): Readback {
    const { gpu, chooser, model, imageSize } = this.#parts;
    const compute = () => model.call(Tensor.from(gpu, images, [count, 3, imageSize, imageSize])).readback();
    return gpu.withChooser(chooser, () => scope(() => noGrad(compute)));
  }

  async #read({ entries, logits }: Submitted, top: number): Promise<(Prediction | Unreadable)[]> {
    const scores = logits ? new Float32Array(await logits.get()) : new Float32Array(0);
    const width = this.classes.length;
    let row = 0;
    return entries.map((entry) => {
      if ('error' in entry) return entry;
      const own = scores.subarray(row * width, ++row * width);
      if (!own.every(Number.isFinite)) {
        throw new FileError(
          `${this.weights}: the network's scores of ${entry.path ?? 'a picture'} are not all finite numbers. The weights ` +
            `hold NaN, infinite or far too large numbers: give others${this.half ? ', or go without half precision' : ''}.`,
        );
      }
      return { path: entry.path, top: likeliest(own, this.classes, top) };
    });
  }
}

function checkTop(top: number): number {
  if (Number.isSafeInteger(top) && top >= 1) return top;
  throw new UsageError(`top: expected a whole number of at least 1, found ${top}`);
}
