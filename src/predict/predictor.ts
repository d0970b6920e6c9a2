/** A trained network that classifies pictures. */
import { noGrad, scope, Tensor } from '../autograd/index.ts';
import { DecoderPool, valTransform } from '../data/index.ts';
import { DawngradError, FileError, UsageError } from '../errors.ts';
import { type AdapterPreference, openGpu } from '../gpu/dawn.ts';
import { WatchdogError } from '../gpu/errors.ts';
import type { AdapterTraits, Gpu, Readback } from '../gpu/gpu.ts';
import { Watchdog } from '../gpu/watchdog.ts';
import { type InputSpec, inputAt, inputFrom } from '../input-spec.ts';
import { type Chooser, chooserOf } from '../kernels/chooser.ts';
import type { Classifier } from '../models/index.ts';
import type { Net } from '../models/net.ts';
import { buildModel, IGNORE_ORIENTATION_KEY, outputsOf, type Start } from '../models/start.ts';
import type { NetName } from '../models/types.ts';
import { StateDictError } from '../nn/index.ts';
import { openNet } from '../onnx/start.ts';
import { checkLimits, checkNumber, type FindTuned, NUMBER_OPTIONS, rehearse } from '../plan/index.ts';
import type { Checkpoint } from '../weights/index.ts';
import { type ClassNames, classNamesOf } from './class-names.ts';
import { likeliest, type Ranking } from './ranking.ts';
import { type PictureInput, type Rendered, renderAhead, type Unreadable } from './render-ahead.ts';

/** Settings of a predictor. */
export interface PredictorOptions {
  /** Pictures computed at once; default 8. A larger batch takes more memory and, on a GPU, less time per picture. */
  readonly batchSize?: number | undefined;
  /** Threads that decode pictures; they change no result. Default: one per core, at most 4. */
  readonly threads?: number | undefined;
  /**
   * Side of the network's square input, pixels. The shorter side of a picture keeps its ratio to it, which is 256/224 for
   * most networks; then the centre is cropped. Default: the size recorded in the checkpoint, else that of torchvision's weights.
   */
  readonly imageSize?: number | undefined;
  /** The most pixels (width times height) that a picture may have; default 178,956,970, as in Pillow. */
  readonly maxPixels?: number | undefined;
  /**
   * Whether pictures stay as they are stored, as in torchvision, though their EXIF says how to turn them. Default: as the
   * network was trained, if its run has recorded that, else false.
   */
  readonly ignoreOrientation?: boolean | undefined;
  /**
   * Half-precision storage: weights and activations are stored in f16 and computed in f32. It halves the memory and
   * changes scores by some ten-thousandths of their size. For GPUs: not every adapter supports it, and a software
   * adapter gets much slower. Default false.
   */
  readonly half?: boolean | undefined;
  /**
   * Whether the decoder threads start at once and read single pictures too. For programs that answer many calls, such
   * as a server. By default a call with one picture decodes it in the calling thread, which is faster than a start.
   */
  readonly startThreads?: boolean | undefined;
  /** Seconds to wait for a batch's result, after the first, before the device counts as hung; 0: for ever. Default 600. */
  readonly watchdog?: number | undefined;
  /** Which adapter to open; the fastest by default. */
  readonly adapter?: AdapterPreference | undefined;
  /** Called once the device is open. Without it the predictor uses the chooser of `gpu`, or else the shipped tables. */
  readonly tuned?: FindTuned | undefined;
  /**
   * Of an ONNX file: the node, or the last layer (`fc` of `fc.weight`), at which the network ends. By default the last product
   * with a matrix of weights.
   */
  readonly head?: string | undefined;
  /** A device to use instead of opening one; with `half`, one that was opened for it. It stays open and unchanged. */
  readonly gpu?: Gpu | undefined;
}

/** Settings of one prediction. */
export interface PredictOptions {
  /** Number of likeliest classes to return; all if there are fewer. Default 5. */
  readonly top?: number | undefined;
}

/** The classes of one picture. */
export interface Prediction {
  /** The path or name as given; undefined for pixels, and for bytes without a name. */
  readonly path: string | undefined;
  /** The likeliest classes in falling order: `top[0]` is the answer. */
  readonly top: Ranking;
}

/** The scores of one picture. */
export interface Scored {
  /** The path as given; undefined for pixels. */
  readonly path: string | undefined;
  /** The network's outputs (logits), one per class. */
  readonly scores: Float32Array;
}

/** Default of `PredictorOptions.batchSize`. */
export const DEFAULT_BATCH_SIZE = 8;
/** Default of `PredictOptions.top`. */
export const DEFAULT_TOP = 5;

/** Batches queued on the device while the results of the previous one are read and returned. */
const QUEUE_DEPTH = 1;

/**
 * Reads a checkpoint and loads its network on a device. The caller must close the predictor; until then Node does not
 * exit.
 * @param weights a .pth or .safetensors file of a known network, an ONNX file of a classifier made of ops that we have, or the folder of a run, for its best.safetensors;
 *   `file.pth#name` takes one of several state dicts
 * @throws FileError naming the file if it cannot be read or holds another network; UsageError if an option is invalid;
 *   NoAdapterError, OutOfMemoryError, DeviceLostError or GpuError of the device; MissingFeatureError if it has no half
 *   precision; errors of `tuned`
 */
export async function openPredictor(weights: string, options: PredictorOptions = {}): Promise<Predictor> {
  const { net, checkpoint } = await openNet(weights, options.head);
  const { name: architecture } = net;
  const classes = classNamesOf(checkpoint, countOutputs(weights, net, checkpoint));
  const own = inputFrom(checkpoint.metadata, architecture, weights);
  const imageSize = checkNumber('imageSize', options.imageSize ?? own.crop);
  const input = inputAt(own, imageSize, architecture);
  const batchSize = checkNumber('batchSize', options.batchSize ?? DEFAULT_BATCH_SIZE);
  const threads = checkNumber('threads', options.threads ?? NUMBER_OPTIONS.threads.default);
  const maxPixels = checkNumber('maxPixels', options.maxPixels ?? NUMBER_OPTIONS.maxPixels.default);
  const ignoreOrientation = options.ignoreOrientation ?? checkpoint.metadata[IGNORE_ORIENTATION_KEY] === 'true';
  const network = { architecture, ...(net.graph !== undefined && { net }), loadsLastLayer: true };
  const start: Start = { ...network, checkpoint, input, description: weights };
  const watchdog = new Watchdog(checkNumber('watchdog', options.watchdog ?? NUMBER_OPTIONS.watchdog.default));
  const { half = false, startThreads = false, adapter } = options;
  const gpu = options.gpu ?? (await openGpu({ ...(adapter && { adapter }), half }));
  try {
    const count = classes.names.length;
    // Convolutions derive more data from frozen weights, because they do so only once.
    const built = { classes: count, mode: 'extract' } as const;
    // Measuring a batch and predicting one take the same work.
    const pictures = { train: 0, val: batchSize };
    const question = { ...built, imageSize, batchSize, momentum: 0, pictures, start: network, half };
    const chooser = chooserOf(gpu).fresh(await options.tuned?.(gpu.traits, question));
    checkLimits(rehearse(gpu.traits, question, chooser.settings).memory, gpu);
    const model = buildModel(gpu, start, built).eval();
    if (half) model.half();
    const ownsGpu = options.gpu === undefined;
    const { notes = [] } = checkpoint;
    const { metadata } = checkpoint;
    const pictureFacts = { input, batchSize, threads, maxPixels, ignoreOrientation };
    const facts = { weights, metadata, notes, architecture, classes, ...pictureFacts, half, watchdog, startThreads };
    return new Predictor({ ...facts, gpu, ownsGpu, chooser, model });
  } catch (error) {
    if (!options.gpu) gpu.close();
    if (!(error instanceof StateDictError)) throw error;
    throw new FileError(`${weights}: ${error.message}`, { cause: error });
  }
}

/** The number of classes of the last layer. @throws FileError if there is none, or it has fewer than two outputs */
export function countOutputs(path: string, net: Net, checkpoint: Checkpoint): number {
  const outputs = outputsOf(net, checkpoint);
  if (outputs !== undefined && outputs >= 2) return outputs;
  const found = outputs === undefined ? 'none' : `one with ${outputs}`;
  throw new FileError(
    `${path}: expected a last layer (${net.headName}.weight) with two or more outputs, one per class, found ${found}. ` +
      'Give the weights of a whole network, such as the best.safetensors of a run.',
  );
}

interface Parts {
  readonly weights: string;
  readonly metadata: Checkpoint['metadata'];
  readonly notes: readonly string[];
  readonly architecture: NetName;
  readonly classes: ClassNames;
  readonly input: InputSpec;
  readonly batchSize: number;
  readonly threads: number;
  readonly maxPixels: number;
  readonly ignoreOrientation: boolean;
  readonly watchdog: Watchdog;
  readonly half: boolean;
  readonly startThreads: boolean;
  readonly gpu: Gpu;
  readonly ownsGpu: boolean;
  /** Used by this predictor only. */
  readonly chooser: Chooser;
  readonly model: Classifier;
}

/** A submitted batch, with the unreadable pictures in their places. */
interface Submitted {
  readonly entries: readonly (Rendered | Unreadable)[];
  /** Logits [pictures, classes]; undefined if no entry is a picture. */
  readonly logits: Readback | undefined;
}

/** Created by `openPredictor`. */
export class Predictor {
  /** Path of the weights. */
  readonly weights: string;
  /** What the file says beside its tensors; of a run's best weights their `epoch` and more. */
  readonly metadata: Checkpoint['metadata'];
  /** The choices made in that file: one of several state dicts, names without a prefix. */
  readonly notes: readonly string[];
  readonly architecture: NetName;
  /** Names of the classes, in the order of the network's outputs. */
  readonly classes: readonly string[];
  /** Source of the names: the checkpoint, ImageNet's list, or none (`class 0` and so on). */
  readonly namesFrom: ClassNames['source'];
  /** Side of the network's square input, pixels. */
  readonly imageSize: number;
  /** How the network takes a picture; its `crop` is `imageSize`. */
  readonly input: InputSpec;
  /** Whether pictures stay as they are stored. */
  readonly ignoreOrientation: boolean;
  /** Whether weights and activations are stored in half precision. */
  readonly half: boolean;
  /** The adapter that runs the network. */
  readonly adapter: AdapterTraits;
  readonly #parts: Parts;
  readonly #pool: DecoderPool;
  /** Decodes in the calling thread. */
  readonly #noThreads: DecoderPool;
  #closed = false;
  /** Whether a result was read: the first batch may have to compile kernels. */
  #hasRead = false;
  #hangs = false;

  /** @internal */
  constructor(parts: Parts) {
    this.weights = parts.weights;
    this.metadata = parts.metadata;
    this.notes = parts.notes;
    this.architecture = parts.architecture;
    this.classes = parts.classes.names;
    this.namesFrom = parts.classes.source;
    this.imageSize = parts.input.crop;
    this.input = parts.input;
    this.ignoreOrientation = parts.ignoreOrientation;
    this.half = parts.half;
    this.adapter = parts.gpu.traits;
    this.#parts = parts;
    this.#pool = new DecoderPool(parts.threads, parts);
    this.#noThreads = new DecoderPool(0, parts);
    if (parts.startThreads) this.#pool.start();
  }

  /**
   * Predicts each picture, in the order of the pictures.
   * @throws FileError naming the first picture that cannot be read (`each` continues instead); else as `each`
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
   * Predicts pictures one by one. Any number is possible: only a few batches are held at a time. Threads decode while
   * the device computes. An unreadable file gives its error in its place.
   * @throws UsageError if an option is invalid; FileError naming the weights if they give scores that are not finite;
   *   MissingPackageError if a picture needs sharp and that is not installed; DawngradError if pixels do not fit their
   *   size, a decoder thread fails, or the predictor is closed; WatchdogError if the device hangs; errors of the device
   */
  async *each(
    pictures: readonly PictureInput[],
    options: PredictOptions = {},
  ): AsyncGenerator<Prediction | Unreadable, void, undefined> {
    const top = checkTop(options.top ?? DEFAULT_TOP);
    for await (const outcome of this.scores(pictures)) {
      if ('error' in outcome) yield outcome;
      else yield { path: outcome.path, top: likeliest(outcome.scores, this.classes, top) };
    }
  }

  /** The scores of pictures one by one, as `each` gives predictions. @throws as `each` */
  async *scores(pictures: readonly PictureInput[]): AsyncGenerator<Scored | Unreadable, void, undefined> {
    const { input, batchSize, threads } = this.#parts;
    if (this.#closed) throw new DawngradError('This predictor was closed; open another one.');
    // A text would be taken for a list of its letters.
    if (!Array.isArray(pictures)) {
      const found = typeof pictures === 'string' ? 'one path' : 'something else';
      throw new UsageError(
        `pictures: expected a list of pictures, found ${found}; put it in brackets: predict([picture])`,
      );
    }
    const numbers = 3 * input.crop ** 2;
    // Shaders do not depend on the batch size: a smaller last batch compiles nothing and needs no padding.
    const batch = new Float32Array(Math.min(batchSize, pictures.length) * numbers);
    const rendered = renderAhead(pictures, {
      transform: valTransform(input),
      // A single picture decodes faster here than a thread starts.
      pool: pictures.length === 1 && !this.#parts.startThreads ? this.#noThreads : this.#pool,
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
      if (submitted.length > QUEUE_DEPTH) yield* await this.#read(submitted.shift()!);
    }
    if (entries.length > 0) submit();
    while (submitted.length > 0) yield* await this.#read(submitted.shift()!);
  }

  /**
   * Ends the decoder threads, frees the network, and closes the device unless the caller gave it. Work in progress
   * fails. Calling it twice is allowed.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { model, gpu, ownsGpu } = this.#parts;
    // Closing a device that hangs would wait for it.
    if (ownsGpu && !this.#hangs) gpu.close();
    else if (!ownsGpu) model.dispose();
    await this.#pool.close();
  }

  /** Records and uploads one batch. The caller may overwrite `images` afterwards. */
  #submit(images: Float32Array<ArrayBuffer>, count: number): Readback {
    const { gpu, chooser, model, input } = this.#parts;
    const compute = () => model.call(Tensor.from(gpu, images, [count, 3, input.crop, input.crop])).readback();
    return gpu.withChooser(chooser, () => scope(() => noGrad(compute)));
  }

  async #wait(result: Promise<ArrayBuffer>): Promise<ArrayBuffer> {
    try {
      return await (this.#hasRead ? this.#parts.watchdog.watch(result) : result);
    } catch (error) {
      this.#hangs = error instanceof WatchdogError;
      throw error;
    } finally {
      this.#hasRead = true;
    }
  }

  async #read({ entries, logits }: Submitted): Promise<(Scored | Unreadable)[]> {
    const scores = logits ? new Float32Array(await this.#wait(logits.get())) : new Float32Array(0);
    const width = this.classes.length;
    let row = 0;
    return entries.map((entry) => {
      if ('error' in entry) return entry;
      const own = scores.subarray(row * width, ++row * width);
      if (!own.every(Number.isFinite)) {
        throw new FileError(
          `${this.weights}: the network's scores of ${entry.path ?? 'a picture'} are not all finite numbers. The weights ` +
            `hold NaN, infinity or values too large: give others${this.half ? ', or turn half precision off' : ''}.`,
        );
      }
      return { path: entry.path, scores: own };
    });
  }
}

function checkTop(top: number): number {
  if (Number.isSafeInteger(top) && top >= 1) return top;
  throw new UsageError(`top: expected a whole number of at least 1, found ${top}`);
}
