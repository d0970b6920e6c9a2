/**
 * The folder of one run. Every file is written whole or not at all, so that whatever ends the run, the files of the last
 * finished epoch are there. That holds for metrics.jsonl too: it is a few kilobytes, so each new line rewrites it, and
 * neither a crash nor a full disk leaves half a line.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import type { ExportedEntry } from '../nn/index.ts';
import { writeFileAtomic, writeSafetensors } from '../weights/index.ts';
import type { PhaseMetrics, RunSummary } from './types.ts';

/** Names of the files of a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  best: 'best.safetensors',
  summary: 'summary.json',
} as const;

/** Of the tutorial's pictures. */
export const PICTURE_FILES = {
  trainBatch: 'train-batch.png',
  curves: 'curves.png',
  predictions: 'predictions.png',
} as const;

/** Name of one of these pictures. */
export type PictureFile = (typeof PICTURE_FILES)[keyof typeof PICTURE_FILES];

/** `runs/20250131-142500-finetune`, in local time; with a number behind it where that is taken. */
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

/** Checks that a new run may go there. @throws UsageError if `path` holds a run already, or is no folder */
export function checkUnused(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isDirectory()) throw new UsageError(`${path}: expected a folder for the run, found a file`);
  const names = [...Object.values(RUN_FILES), ...Object.values(PICTURE_FILES)];
  const file = names.find((name) => existsSync(join(path, name)));
  if (file) {
    throw new UsageError(`${path}: already holds a run (${file}), which was left as it is; choose another folder`);
  }
}

/**
 * A run's folder and what is written into it, each file whole or not at all.
 * Every method that writes throws FileError where that fails.
 */
export class RunFolder {
  readonly path: string;
  readonly #lines: string[] = [];

  /** Makes the folder. @throws UsageError if it holds a run already; FileError if it cannot be made */
  constructor(path: string) {
    checkUnused(path);
    this.path = path;
    try {
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      throw new FileError(`${path}: the run folder cannot be made (${(cause as Error).message})`, { cause });
    }
  }

  /** Of best.safetensors. */
  get bestPath(): string {
    return join(this.path, RUN_FILES.best);
  }

  /** config.json: everything that decides the run's numbers. */
  writeConfig(config: object): void {
    this.#writeText(RUN_FILES.config, `${JSON.stringify(config, null, 2)}\n`);
  }

  /** Another line of metrics.jsonl. */
  addMetrics(metrics: PhaseMetrics): void {
    this.#lines.push(`${JSON.stringify(metrics)}\n`);
    this.#writeText(RUN_FILES.metrics, this.#lines.join(''));
  }

  /** best.safetensors: entries under torch's names. */
  writeBest(state: ReadonlyMap<string, ExportedEntry>, metadata: Record<string, string>): void {
    writeSafetensors(this.bestPath, { tensors: new Map(state), metadata });
  }

  /** summary.json. */
  writeSummary(summary: RunSummary): void {
    this.#writeText(RUN_FILES.summary, `${JSON.stringify(summary, null, 2)}\n`);
  }

  /** One of the pictures, as a PNG file's bytes. */
  writePicture(name: PictureFile, png: Uint8Array): void {
    writeFileAtomic(join(this.path, name), [png]);
  }

  #writeText(name: string, text: string): void {
    writeFileAtomic(join(this.path, name), [new TextEncoder().encode(text)]);
  }
}
