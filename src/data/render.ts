/**
 * Renders files to a batch; decoder threads run this. All random values are drawn beforehand, so the result depends
 * only on the job: not on the thread or the contents of the cache.
 */
import { DawngradError, FileError } from '../errors.ts';
import { type Augmentation, augmentPixels, flipPixels } from './augment/policy.ts';
import { erase } from './augment/random-erasing.ts';
import { FACT_FLOATS, writeFacts } from './catalogue/facts.ts';
import { readSize, type ThreadOptions, withPicture } from './decode.ts';
import { printableName } from './names.ts';
import { type CacheSlot, readSlot, writeSlot } from './pixel-cache.ts';
import type { Box } from './resize.ts';
import {
  normalize,
  resizedCrop,
  type TrainTransform,
  type Transform,
  type ValTransform,
  valCrop,
} from './transforms.ts';

/** A picture to crop with drawn parameters. The crop was drawn for this `width` and `height`. */
export interface TrainPicture {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly box: Box;
  readonly flip: boolean;
  /** What else was drawn for it. */
  readonly augmentation?: Augmentation | undefined;
  /** Holds the whole decoded picture. */
  readonly slot: CacheSlot | undefined;
}

export interface ValPicture {
  /** With `bytes`, the name that stands for them in messages. */
  readonly path: string;
  /** The picture's file, if it is in memory. */
  readonly bytes?: Uint8Array | undefined;
  /** Holds the cropped picture, size·size·3 bytes. */
  readonly slot: CacheSlot | undefined;
}

/** A picture to decode once, and to keep in the slot if it has one. */
export interface StoredPicture extends ValPicture {
  /** The size that its header says, if the slot holds the whole picture. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
}

/** What a thread is to do with some pictures. Structured-cloneable, so it can be sent to a thread unchanged. */
export type BatchJob =
  | { readonly transform: TrainTransform; readonly pictures: readonly TrainPicture[] }
  | { readonly transform: ValTransform; readonly pictures: readonly ValPicture[] }
  /** Decodes each picture and fills its slot. `out` gets what `writeFacts` tells of each, or has no length. */
  | { readonly task: 'store'; readonly transform: Transform; readonly pictures: readonly StoredPicture[] }
  /** Reads the headers. `out` gets width and height of each picture, as 32-bit integers in place of the floats. */
  | { readonly task: 'measure'; readonly pictures: readonly { readonly path: string }[] };

/** @internal The thread that renders, as its pool set it up. */
export interface RenderContext extends ThreadOptions {
  /** If its element is not 0, the job stops between two pictures. */
  readonly stop?: Int32Array | undefined;
  /** Its element is the number of pictures that this job has begun, for the pool to see if the thread dies. */
  readonly progress?: Int32Array | undefined;
}

// One per thread. Used only between two awaits, so interleaved jobs cannot disturb each other.
const scratch = { rows: new Uint8Array(0) };
let crop = new Uint8Array(0);

/**
 * Does a job. A batch is computed into `out`: pictures·3·size·size float32, NCHW.
 *
 * @throws FileError naming the picture that cannot be read or rendered; MissingPackageError; DawngradError once stopped
 */
export async function renderBatch(job: BatchJob, out: Float32Array, context: RenderContext = {}): Promise<void> {
  const { stop, progress } = context;
  try {
    for (let i = 0; i < job.pictures.length; i++) {
      if (stop && Atomics.load(stop, 0) !== 0) throw new DawngradError('The decoder threads were closed.');
      if (progress) Atomics.store(progress, 0, i + 1);
      await renderOne(job, i, context, out);
    }
  } finally {
    if (progress) Atomics.store(progress, 0, 0);
  }
}

async function renderOne(job: BatchJob, i: number, context: RenderContext, out: Float32Array): Promise<void> {
  if ('task' in job) {
    if (job.task === 'store') {
      const facts = out.subarray(i * FACT_FLOATS, (i + 1) * FACT_FLOATS);
      return store(job.pictures[i]!, job.transform, context, facts);
    }
    const { width, height } = await readSize(job.pictures[i]!.path, context);
    new Int32Array(out.buffer, out.byteOffset, out.length).set([width, height], 2 * i);
    return;
  }
  const { transform } = job;
  const offset = i * 3 * transform.size ** 2;
  if (transform.kind === 'train') {
    await renderTrain(job.pictures[i] as TrainPicture, transform, context, out, offset);
  } else {
    await renderVal(job.pictures[i] as ValPicture, transform, context, out, offset);
  }
}

async function store(
  { path, slot, size }: StoredPicture,
  transform: Transform,
  options: ThreadOptions,
  facts: Float32Array,
): Promise<void> {
  await withPicture(path, options, (decoded, file) => {
    if (facts.length > 0) writeFacts(decoded, file, facts);
    if (transform.kind === 'train') {
      if (size) checkUnchanged(path, decoded, size);
      writeSlot(slot, decoded.pixels);
    } else if (slot) writeSlot(slot, valCrop(decoded, transform, cropScratch(transform.size), scratch));
  });
}

/** The crop was drawn for the size in the header. */
function checkUnchanged(path: string, found: PixelSize, expected: PixelSize): void {
  if (found.width === expected.width && found.height === expected.height) return;
  throw new FileError(
    `${printableName(path)}: expected ${expected.width}×${expected.height} pixels, as at the start of the run, found ` +
      `${found.width}×${found.height}. Do not change the pictures while a run reads them.`,
  );
}

interface PixelSize {
  readonly width: number;
  readonly height: number;
}

async function renderTrain(
  picture: TrainPicture,
  transform: TrainTransform,
  options: ThreadOptions,
  out: Float32Array,
  offset: number,
): Promise<void> {
  const { path, width, height, box, flip, augmentation, slot } = picture;
  const { size, statistics } = transform;
  const use = (pixels: Uint8Array) => {
    const cropped = resizedCrop({ width, height, pixels }, box, transform, cropScratch(size), scratch);
    if (!augmentation) return normalize(cropped, size, flip, out, offset, statistics);
    // In torchvision's order.
    const square = { width: size, height: size, pixels: cropped };
    if (flip) flipPixels(square);
    augmentPixels(square, augmentation);
    normalize(cropped, size, false, out, offset, statistics);
    if (augmentation.erased) erase(out, offset, size, augmentation.erased);
  };
  const stored = readSlot(slot);
  if (stored) return use(stored);
  await withPicture(path, options, (decoded) => {
    checkUnchanged(path, decoded, { width, height });
    writeSlot(slot, decoded.pixels);
    use(decoded.pixels);
  });
}

async function renderVal(
  picture: ValPicture,
  transform: ValTransform,
  options: ThreadOptions,
  out: Float32Array,
  offset: number,
): Promise<void> {
  const { path, bytes, slot } = picture;
  const { size, statistics } = transform;
  const stored = readSlot(slot);
  if (stored) return normalize(stored, size, false, out, offset, statistics);
  await withPicture(bytes ? { name: path, bytes } : path, options, (decoded) => {
    const cropped = valCrop(decoded, transform, cropScratch(size), scratch);
    writeSlot(slot, cropped);
    normalize(cropped, size, false, out, offset, statistics);
  });
}

function cropScratch(size: number): Uint8Array {
  if (crop.length !== size * size * 3) crop = new Uint8Array(size * size * 3);
  return crop;
}
