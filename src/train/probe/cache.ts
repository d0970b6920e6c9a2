/**
 * Features kept on disk, so that the next probe computes only those of new pictures. A folder for each network, size of
 * pictures, adapter and version holds files of rows. A file is written whole or not at all and never changed: several
 * processes only add files, and one that merges them removes the old ones after the new one is there, so none loses
 * another's rows. A damaged file is told, removed and computed anew; one that may not be read stays. A cache that cannot
 * be written is told and costs nothing else.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FileError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { type Checkpoint, readSafetensors, sweepTemporaries, writeSafetensors } from '../../weights/index.ts';

const FORMAT = 'dawngrad features 1';
const TENSOR = 'features';
const ENDING = '.safetensors';

/** Bytes of all features of all networks: 250,000 rows of a ResNet-18. The files that were used last stay. */
const MOST_BYTES = 512 * 2 ** 20;
/** More files are merged into one. */
const MOST_FILES = 8;

export interface FeatureCacheOptions {
  /** The folder of all caches of features. */
  readonly folder: string;
  /** Hash of all that decides the features beside the picture. */
  readonly key: string;
  /** Numbers of a feature. */
  readonly width: number;
  /** Called with sentences about files that cannot be used. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** Default 512 MiB. */
  readonly mostBytes?: number;
}

type Rows = Map<string, Float32Array<ArrayBuffer>>;

export class FeatureCache {
  readonly #options: FeatureCacheOptions;
  /** The folder of this key. */
  readonly #own: string;
  readonly #rows: Rows = new Map();
  #fresh: Rows = new Map();
  /** Names of the files that the rows were read from or written to. */
  #files: string[] = [];
  #isUsable = true;

  /** Reads what there is. */
  constructor(options: FeatureCacheOptions) {
    this.#options = options;
    this.#own = join(options.folder, options.key);
    for (const name of filesIn(this.#own)) this.#read(name);
  }

  /** The row under this name, if it is known. */
  get(name: string): Float32Array<ArrayBuffer> | undefined {
    return this.#rows.get(name);
  }

  /** Keeps a row; `flush` writes it. */
  add(name: string, features: Float32Array<ArrayBuffer>): void {
    this.#rows.set(name, features);
    this.#fresh.set(name, features);
  }

  /** Rows that are not yet written. */
  get unwritten(): number {
    return this.#fresh.size;
  }

  /** Writes the rows that are new, and removes the files that were used least recently if all together are too many. */
  flush(): void {
    if (!this.#isUsable || this.#fresh.size === 0) return;
    const { folder, width, mostBytes = MOST_BYTES } = this.#options;
    try {
      if (this.#rows.size * width * 4 > mostBytes) {
        throw new FileError(`${this.#own}: ${this.#rows.size} rows are more than the cache of features may hold`);
      }
      makeFolder(this.#own);
      sweepTemporaries(this.#own);
      const merges = this.#files.length >= MOST_FILES;
      const name = this.#write(merges ? this.#rows : this.#fresh);
      if (merges) for (const old of this.#files) removed(join(this.#own, old));
      this.#files = merges ? [name] : [...this.#files, name];
      this.#fresh = new Map();
      prune(folder, mostBytes);
    } catch (error) {
      this.#isUsable = false;
      this.#note(`The features are not kept for the next time (${(error as Error).message}).`);
    }
  }

  #note(text: string): void {
    this.#options.onNote?.(text);
  }

  #write(rows: Rows): string {
    const { key, width } = this.#options;
    const data = new Float32Array(rows.size * width);
    let at = 0;
    for (const features of rows.values()) data.set(features, width * at++);
    const name = `${randomBytes(8).toString('hex')}${ENDING}`;
    const names = [...rows.keys()].join('\n');
    writeSafetensors(join(this.#own, name), {
      tensors: new Map([[TENSOR, { shape: [rows.size, width], data }]]),
      metadata: { format: FORMAT, key, rows: names, sha256: hashOf(data, names) },
    });
    return name;
  }

  #read(name: string): void {
    const path = join(this.#own, name);
    try {
      this.#take(path);
    } catch (error) {
      // Another process has merged it.
      if (!existsSync(path)) return;
      const what = (error as Error).message;
      // The system refuses to read it: that says nothing of what it holds.
      const isReadable = (error as Error).cause === undefined;
      const fate = isReadable && removed(path) ? 'is removed' : 'stays where it is';
      this.#note(`${what}. This file of the cache ${fate}, and its features are computed anew.`);
      return;
    }
    this.#files.push(name);
    touch(path);
  }

  /** @throws FileError if it is damaged */
  #take(path: string): void {
    const { key, width } = this.#options;
    const { tensors, metadata } = readDamaged(path);
    const tensor = tensors.get(TENSOR);
    const names = metadata.rows?.split('\n') ?? [];
    const fits =
      metadata.format === FORMAT &&
      metadata.key === key &&
      tensor?.shape.join() === `${names.length},${width}` &&
      metadata.sha256 === hashOf(tensor.data, metadata.rows!);
    if (!fits) throw new FileError(`${path}: is damaged`);
    for (const [i, row] of names.entries()) this.#rows.set(row, tensor.data.slice(i * width, (i + 1) * width));
  }
}

function hashOf(data: Float32Array, names: string): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(bytes).update(names).digest('hex');
}

/** Advice to fetch the file again would mislead: nobody has fetched it. @throws FileError */
function readDamaged(path: string): Checkpoint {
  try {
    return readSafetensors(path);
  } catch (error) {
    if ((error as Error).cause !== undefined) throw error;
    throw new FileError(`${path}: is damaged`);
  }
}

/** Marks a file as used. Where only its owner may do so, others make it no younger. */
function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // The mark only says which files to keep.
  }
}

/** Removes a file. @returns whether it is gone: another user's file stays, as one of a file system for reading does */
function removed(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}

/** Names of the files of rows, in a fixed order. */
function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.name.endsWith(ENDING) && !entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}

/** Removes the oldest files of all keys until the rest takes at most `mostBytes`. */
function prune(folder: string, mostBytes: number): void {
  const files = readdirSync(folder).flatMap((key) =>
    filesIn(join(folder, key)).flatMap((name) => {
      const path = join(folder, key, name);
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats ? [{ path, bytes: stats.size, used: stats.mtimeMs }] : [];
    }),
  );
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of files.sort((a, b) => a.used - b.used)) {
    if (total <= mostBytes) return;
    if (!removed(path)) continue;
    removeIfEmpty(dirname(path));
    total -= bytes;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It holds something, or is another user's.
  }
}
