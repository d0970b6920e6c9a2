/** Reads pictures before a run needs them, on the decoder threads, and finds all that are broken. */
import { setImmediate } from 'node:timers/promises';
import { FileError } from '../errors.ts';
import { FACT_FLOATS, type PictureFacts, readFacts } from './catalogue/facts.ts';
import type { DecoderPool } from './decoder-pool.ts';
import type { Sample } from './image-folder.ts';
import type { BatchJob, StoredPicture } from './render.ts';
import type { Transform } from './transforms.ts';

/** A picture that cannot be used. */
export interface BrokenPicture {
  /** Index of the sample in the data set. */
  readonly index: number;
  readonly path: string;
  /** Its message starts with the path. */
  readonly error: FileError;
}

/** How far a check may be watched and stopped. */
export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called for each picture that was read, broken or not. */
  readonly onChecked?: (() => void) | undefined;
}

/** A check that decodes can tell about each picture that is not broken. */
export interface DecodeCheckOptions extends CheckOptions {
  /** Called with the index of the sample. */
  readonly onFacts?: ((index: number, facts: PictureFacts) => void) | undefined;
}

/**
 * Pictures under way on each thread. While the main thread compiles kernels it hands out nothing, so each thread has
 * work for a while.
 */
const AHEAD = 64;

interface Job {
  readonly index: number;
  readonly path: string;
  readonly job: BatchJob;
  readonly out: () => Float32Array<ArrayBuffer>;
  readonly done?: (out: Float32Array<ArrayBuffer>) => void;
}

/** Widths and heights of all pictures in pairs, 0 for the broken ones. @throws as `DataLoader.check` */
export async function measurePictures(
  pool: DecoderPool,
  samples: readonly Sample[],
  options: CheckOptions,
): Promise<{ sizes: Int32Array; broken: BrokenPicture[] }> {
  const sizes = new Int32Array(samples.length * 2);
  const jobs = samples.map(
    ({ path }, index): Job => ({
      index,
      path,
      job: { task: 'measure', pictures: [{ path }] },
      out: () => new Float32Array(2),
      done: (out) => sizes.set(new Int32Array(out.buffer, out.byteOffset, 2), index * 2),
    }),
  );
  return { sizes, broken: await runAll(pool, jobs, options) };
}

/** Decodes pictures into their slots. @throws as `DataLoader.check` */
export async function storePictures(
  pool: DecoderPool,
  transform: Transform,
  pictures: readonly { readonly index: number; readonly picture: StoredPicture }[],
  options: DecodeCheckOptions,
): Promise<BrokenPicture[]> {
  const { onFacts } = options;
  const jobs = pictures.map(
    ({ index, picture }): Job => ({
      index,
      path: picture.path,
      job: { task: 'store', transform, pictures: [picture] },
      out: () => new Float32Array(onFacts ? FACT_FLOATS : 0),
      ...(onFacts && { done: (out) => onFacts(index, readFacts(out)) }),
    }),
  );
  return runAll(pool, jobs, options);
}

/** Each job has one picture, so one that ends its thread costs no other. */
async function runAll(pool: DecoderPool, jobs: readonly Job[], options: CheckOptions): Promise<BrokenPicture[]> {
  const { signal, onChecked } = options;
  const broken: BrokenPicture[] = [];
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < jobs.length && !failed) {
      signal?.throwIfAborted();
      const { index, path, job, out, done } = jobs[next++]!;
      try {
        const filled = await pool.render(job, out());
        done?.(filled);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        broken.push({ index, path, error });
      }
      onChecked?.();
      // This thread decodes, and signals and timers must have their turn.
      if (pool.threads === 0) await setImmediate();
    }
  };
  const workers = Array.from({ length: Math.max(1, pool.threads * AHEAD) }, () =>
    worker().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  await Promise.all(workers);
  return broken.sort((a, b) => a.index - b.index);
}
