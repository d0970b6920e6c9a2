/**
 * The folder of one run. Every file is written whole or not at all. However the run ends, the files of the last
 * finished epoch exist. metrics.jsonl is a few kilobytes, so each new line rewrites it whole: neither a crash nor a
 * full disk leaves half a line.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import { sweepTemporaries, writeFileAtomic } from '../weights/index.ts';
import { lockFolder } from './lock.ts';
import type { PhaseMetrics, RunSummary } from './types.ts';

/** File names in a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  best: 'best.safetensors',
  last: 'last.safetensors',
  summary: 'summary.json',
} as const;

/** File names of the tutorial's pictures. */
export const PICTURE_FILES = {
  trainBatch: 'train-batch.png',
  curves: 'curves.png',
  predictions: 'predictions.png',
} as const;

/** File name of one of these pictures. */
export type PictureFile = (typeof PICTURE_FILES)[keyof typeof PICTURE_FILES];

/** `runs/20250131-142500-finetune`, in local time; a number is appended if that exists. */
export function defaultRunPath(mode: string, now = new Date(), parent = 'runs'): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const path = join(parent, `${date}-${time}-${mode}`);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : `${path}-${number}`;
    if (!existsSync(candidate)) return candidate;
  }
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
  const file = kept.find((name) => existsSync(join(path, name)));
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

function isOwnConfig(path: string): boolean {
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
  readonly #lines: string[] = [];

  /**
   * Makes the folder, or opens one.
   * @param holdsRun whether the folder must be unused, or holds the run to go on with
   * @throws UsageError if it holds a run, or another process has it; FileError if it cannot be made
   */
  constructor(path: string, holdsRun = false) {
    if (!holdsRun) checkUnused(path);
    this.path = path;
    try {
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new FileError(`${path}: the run folder cannot be made (${reason}); choose another folder`, { cause });
    }
    this.#unlock = lockFolder(path);
    try {
      sweepTemporaries(path);
      if (holdsRun) return;
      // Another process may have trained here since.
      checkUnused(path);
      if (existsSync(join(path, RUN_FILES.config))) this.#removeLeftovers();
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  /** What an earlier run left that saved no state. */
  #removeLeftovers(): void {
    for (const name of [...Object.values(RUN_FILES), ...Object.values(PICTURE_FILES)]) {
      rmSync(join(this.path, name), { force: true });
    }
  }

  /** Lets other processes use the folder. Does nothing the second time. */
  close(): void {
    this.#unlock();
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

  /** Whether the folder has this picture. */
  has(name: PictureFile): boolean {
    return existsSync(join(this.path, name));
  }

  /** Writes one of the pictures. `png` holds the bytes of a PNG file. */
  writePicture(name: PictureFile, png: Uint8Array): void {
    writeFileAtomic(join(this.path, name), [png]);
  }

  #writeText(name: string, text: string): void {
    writeFileAtomic(join(this.path, name), [new TextEncoder().encode(text)]);
  }
}
