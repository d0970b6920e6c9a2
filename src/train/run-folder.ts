/**
 * The folder of one run. Every file is written whole or not at all. However the run ends, the files of the last
 * finished epoch exist. metrics.jsonl is a few kilobytes, so each new line rewrites it whole: neither a crash nor a
 * full disk leaves half a line.
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isAmongPictures } from '../data/index.ts';
import { DawngradError, FileError, UsageError } from '../errors.ts';
import { type Judgement, judgementJson } from '../judge/index.ts';
import { makeFolder } from '../make-folder.ts';
import type { KernelTimes } from '../report/index.ts';
import { readCheckpoint, sweepTemporaries, writeFileAtomic } from '../weights/index.ts';
import { lockFolder } from './lock.ts';
import type { PhaseMetrics, RunSummary } from './types.ts';

/** File names in a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  best: 'best.safetensors',
  last: 'last.safetensors',
  summary: 'summary.json',
  judgement: 'judgement.json',
  testJudgement: 'judgement-test.json',
  kernels: 'kernels.json',
  report: 'report.html',
} as const;

/** The names of TensorBoard's files begin with it. */
export const EVENT_FILE_PREFIX = 'events.out.tfevents.';

/** File names of the pictures: the tutorial's three, and those of the judgement. */
export const PICTURE_FILES = {
  trainBatch: 'train-batch.png',
  curves: 'curves.png',
  predictions: 'predictions.png',
  confusion: 'confusion.png',
  topLosses: 'top-losses.png',
} as const;

/** File name of one of these pictures. */
export type PictureFile = (typeof PICTURE_FILES)[keyof typeof PICTURE_FILES];

/** A folder that was made, and what takes it back if it is still empty. */
export interface Made {
  readonly path: string;
  /** Whether it was not there before. */
  readonly isNew: boolean;
  readonly removeEmpty: () => void;
}

/** Makes a folder, and those above it. @throws FileError if it cannot be made */
function make(path: string): Made {
  let first: string | undefined;
  try {
    first = makeFolder(path);
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new FileError(`${path}: the run folder cannot be made (${reason}); choose another folder`, { cause });
  }
  const removeEmpty = () => {
    if (first === undefined) return;
    try {
      for (let at = resolve(path); ; at = dirname(at)) {
        rmdirSync(at);
        if (at === resolve(first)) return;
      }
    } catch {
      // It holds something, or is gone.
    }
  };
  return { path, isNew: first !== undefined, removeEmpty };
}

/**
 * Makes `runs/20250131-142500-finetune`, named by the local time; a number is appended if that exists. So two runs of
 * the same second have two folders.
 * @throws FileError if it cannot be made
 */
export function makeRunFolder(mode: string, now = new Date(), parent = RUNS): Made {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const path = join(parent, `${date}-${time}-${mode}`);
  const above = make(parent);
  for (let number = 1; ; number++) {
    const made = make(number === 1 ? path : `${path}-${number}`);
    if (!made.isNew) continue;
    const removeEmpty = () => {
      made.removeEmpty();
      above.removeEmpty();
    };
    return { ...made, removeEmpty };
  }
}

/** The epoch of the best weights, in their metadata, if they are those before training. */
export const BEFORE_TRAINING = 'before training';

/** The folder of runs that are given none. */
const RUNS = 'runs';

/**
 * Checks that a run folder does not lie among the pictures: the next run would take it for a class.
 * @param out the run folder; undefined for one of its own name in `runs`
 * @throws UsageError if it does; FileError if the data cannot be read
 */
export function checkOutside(data: string, out: string = RUNS): void {
  if (!isAmongPictures(data, out)) return;
  throw new UsageError(
    `${out}: expected a run folder (--out) outside the pictures of ${data}, where the next run would take it for a ` +
      'class; choose another folder',
  );
}

/** Files that a new run must not overwrite. A run without any of them was ended before it saved its first state. */
const WORTH_KEEPING = [RUN_FILES.last, RUN_FILES.best];

/**
 * Checks that a new run may use the folder. One of a run that ended before it had anything to keep may be used again:
 * there are no weights and no whole epoch.
 * @throws UsageError if `path` holds a run or another program's config.json, or is not a folder
 */
export function checkUnused(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isDirectory()) {
    throw new UsageError(`${path}: expected a folder for the run, found a file; choose another folder`);
  }
  const config = join(path, RUN_FILES.config);
  // Metrics without a config are those of another program, such as the tutorial in PyTorch.
  const kept = isOwnConfig(config) ? WORTH_KEEPING : [...WORTH_KEEPING, RUN_FILES.metrics];
  const file = kept.find((name) => existsSync(join(path, name)) && !(name === RUN_FILES.best && isUntrained(path)));
  if (file) {
    const resumable = existsSync(join(path, RUN_FILES.last));
    throw new UsageError(
      `${path}: already holds a run (${file}), which was left as it is; choose another folder` +
        `${resumable ? `, or go on with --resume ${path}` : ''}`,
    );
  }
  if (existsSync(config) && !isOwnConfig(config)) {
    throw new UsageError(`${config}: is not the config of a run; choose another folder`);
  }
}

/** Whether best.safetensors holds the weights before training: a crash came before the first last.safetensors. */
function isUntrained(path: string): boolean {
  try {
    return readCheckpoint(join(path, RUN_FILES.best)).metadata.epoch === BEFORE_TRAINING;
  } catch {
    return false;
  }
}

/** Whether a file is the config.json of a run. */
export function isOwnConfig(path: string): boolean {
  try {
    return 'dawngrad' in JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * A run's folder. It writes each file whole or not at all. While it is open, no other process may write it.
 * Every method that writes throws FileError if writing fails.
 */
export class RunFolder {
  readonly path: string;
  readonly #unlock: () => void;
  readonly #made: Made;
  readonly #lines: string[] = [];

  /**
   * Makes the folder, or opens one.
   * @param holdsRun whether the folder must be unused, or holds the run to go on with
   * @throws UsageError if it holds a run, or another process has it; FileError if it cannot be made
   */
  constructor(path: string, holdsRun = false) {
    if (!holdsRun) checkUnused(path);
    this.path = path;
    this.#made = make(path);
    try {
      this.#unlock = lockFolder(path);
    } catch (error) {
      this.#made.removeEmpty();
      throw error;
    }
    try {
      sweepTemporaries(path);
      if (holdsRun) return;
      // Another process may have trained here since.
      checkUnused(path);
      if (existsSync(join(path, RUN_FILES.config))) this.#removeLeftovers();
    } catch (error) {
      this.close();
      if (error instanceof DawngradError) throw error;
      throw new FileError(`${path}: the run folder cannot be used (${(error as Error).message})`, { cause: error });
    }
  }

  /** What an earlier run left that saved no state. */
  #removeLeftovers(): void {
    const events = readdirSync(this.path).filter((name) => name.startsWith(EVENT_FILE_PREFIX));
    for (const name of [...Object.values(RUN_FILES), ...Object.values(PICTURE_FILES), ...events]) {
      rmSync(join(this.path, name), { force: true });
    }
  }

  /** Lets other processes use the folder, and removes it if it is new and empty. Does nothing the second time. */
  close(): void {
    this.#unlock();
    this.#made.removeEmpty();
  }

  /** Path of last.safetensors. */
  get lastPath(): string {
    return join(this.path, RUN_FILES.last);
  }

  /** Path of best.safetensors. */
  get bestPath(): string {
    return join(this.path, RUN_FILES.best);
  }

  /** Writes config.json: everything that decides the run's results. */
  writeConfig(config: object): void {
    this.#writeText(RUN_FILES.config, `${JSON.stringify(config, null, 2)}\n`);
  }

  /** Adds a line to metrics.jsonl. */
  addMetrics(metrics: PhaseMetrics): void {
    this.#lines.push(`${JSON.stringify(metrics)}\n`);
    this.#writeText(RUN_FILES.metrics, this.#lines.join(''));
  }

  /** Writes metrics.jsonl anew with these lines. */
  restoreMetrics(metrics: readonly PhaseMetrics[]): void {
    this.#lines.length = 0;
    for (const row of metrics) this.#lines.push(`${JSON.stringify(row)}\n`);
    this.#writeText(RUN_FILES.metrics, this.#lines.join(''));
  }

  /** Writes summary.json. */
  writeSummary(summary: RunSummary): void {
    this.#writeText(RUN_FILES.summary, `${JSON.stringify(summary, null, 2)}\n`);
  }

  /** Writes judgement.json, or that of test: what the best weights make of these pictures. */
  writeJudgement(judgement: Judgement): void {
    const name = judgement.split === 'test' ? RUN_FILES.testJudgement : RUN_FILES.judgement;
    this.#writeText(name, judgementJson(judgement));
  }

  /** Writes kernels.json: how long each kernel of a step took. */
  writeKernels(times: KernelTimes): void {
    this.#writeText(RUN_FILES.kernels, `${JSON.stringify(times, null, 2)}\n`);
  }

  /** Writes report.html, the page about the run. @returns its bytes */
  writeReport(html: string): number {
    return this.#writeText(RUN_FILES.report, html);
  }

  /** Whether the folder has this picture. */
  has(name: PictureFile): boolean {
    return existsSync(join(this.path, name));
  }

  /** Writes one of the pictures. `png` holds the bytes of a PNG file. */
  writePicture(name: PictureFile, png: Uint8Array): void {
    writeFileAtomic(join(this.path, name), [png]);
  }

  #writeText(name: string, text: string): number {
    const bytes = new TextEncoder().encode(text);
    writeFileAtomic(join(this.path, name), [bytes]);
    return bytes.length;
  }
}
