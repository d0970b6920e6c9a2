/**
 * The file of tuned choices, in the cache folder. One file holds the answers of all adapters and versions. A writer
 * keeps the answers of others. An unreadable file is ignored with a notice, and moved aside instead of overwritten.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FileError } from '../errors.ts';
import { cacheFolder, type Environment } from '../fetch/index.ts';
import type { AdapterTraits } from '../gpu/gpu.ts';
import { makeFolder } from '../make-folder.ts';
import { writeFileAtomic } from '../weights/index.ts';
import type { Candidate } from './measured.ts';

/** The adapter and version for which answers are valid. The adapter's description includes its driver's version. */
export interface CacheKey {
  readonly adapter: Pick<AdapterTraits, 'vendor' | 'architecture' | 'description'>;
  /** As `engineVersion`. */
  readonly engine: string;
}

/** The answer for one piece of work. */
export interface Answer {
  readonly choice: Candidate;
  /** The shortest time of each measured candidate, milliseconds. */
  readonly ms: Readonly<Record<Candidate, number>>;
}

interface Entry extends CacheKey {
  readonly works: Readonly<Record<string, Answer>>;
}

const NAME = 'tuned.json';
const FORMAT = 'dawngrad tuned kernels 1';

/** Path of the file of answers; it may not exist yet. */
export function tunedPath(env: Environment = process.env): string {
  return join(cacheFolder(env), NAME);
}

export function cacheKey({ vendor, architecture, description }: AdapterTraits, engine: string): CacheKey {
  return { adapter: { vendor, architecture, description }, engine };
}

/**
 * Reads the answers for an adapter and version, by the name of the work; empty if there are none yet.
 * @param onNote called with a sentence that names a file that cannot be used
 */
export function readAnswers(path: string, key: CacheKey, onNote?: (text: string) => void): Map<string, Answer> {
  const entries = readEntries(path);
  if (typeof entries !== 'string') return answersOf(entries, key);
  onNote?.(`${path}: ${entries}. It is ignored, and the next tuning renames it.`);
  return new Map();
}

/**
 * Adds answers to the file, and creates it if needed. Answers for the same work are replaced; all others stay.
 * @throws FileError if it cannot be written
 */
export function addAnswers(path: string, key: CacheKey, answers: ReadonlyMap<string, Answer>): void {
  try {
    makeFolder(dirname(path));
    const found = readEntries(path);
    if (typeof found === 'string') putAside(path);
    const entries = typeof found === 'string' ? [] : found;
    const works = Object.fromEntries([...answersOf(entries, key), ...answers]);
    const kept = entries.filter((entry) => !isFor(entry, key));
    const text = JSON.stringify({ format: FORMAT, entries: [...kept, { ...key, works }] }, null, 1);
    writeFileAtomic(path, [Buffer.from(`${text}\n`)]);
  } catch (error) {
    if (error instanceof FileError) throw error;
    const reason = (error as Error).message;
    throw new FileError(`${path}: cannot be written (${reason}). Set DAWNGRAD_CACHE to a writable folder.`, {
      cause: error,
    });
  }
}

function answersOf(entries: readonly Entry[], key: CacheKey): Map<string, Answer> {
  return new Map(entries.filter((entry) => isFor(entry, key)).flatMap(({ works }) => Object.entries(works)));
}

function isFor({ adapter, engine }: Entry, key: CacheKey): boolean {
  const { vendor, architecture, description } = key.adapter;
  return (
    engine === key.engine &&
    adapter.vendor === vendor &&
    adapter.architecture === architecture &&
    adapter.description === description
  );
}

/** The entries of the file, or the problem with it as the end of a sentence. */
function readEntries(path: string): Entry[] | string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? [] : `cannot be read (${message})`;
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return `is damaged (${(error as Error).message})`;
  }
  if (!isObject(content) || content.format !== FORMAT) return 'is not a file of tuned kernel choices of this version';
  const { entries } = content;
  return Array.isArray(entries) && entries.every(isEntry) ? entries : 'is damaged (an entry is incomplete)';
}

function isEntry(value: unknown): value is Entry {
  if (!isObject(value) || !isObject(value.adapter) || !isObject(value.works)) return false;
  const { vendor, architecture, description } = value.adapter;
  const texts = [value.engine, vendor, architecture, description];
  return texts.every((text) => typeof text === 'string') && Object.values(value.works).every(isAnswer);
}

function isAnswer(value: unknown): value is Answer {
  return (
    isObject(value) &&
    typeof value.choice === 'string' &&
    isObject(value.ms) &&
    Object.values(value.ms).every((ms) => typeof ms === 'number')
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Keeps the file: somebody may need it. */
function putAside(path: string): void {
  for (let number = 1; ; number++) {
    const aside = `${path}.unusable-${number}`;
    if (existsSync(aside)) continue;
    renameSync(path, aside);
    return;
  }
}
