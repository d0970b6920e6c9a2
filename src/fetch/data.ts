/** Provides the tutorial's pictures from the cache, or downloads and unpacks them. */
import { type Dirent, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';
import { download } from './download.ts';
import { DownloadError, ZipError } from './errors.ts';
import { moveIntoPlace } from './place.ts';
import { asCacheError } from './reasons.ts';
import { type FetchOptions, type Source, sourceOf } from './source.ts';
import { removeLeftovers, withTemporary } from './temporaries.ts';

const PHASES = ['train', 'val'] as const;

/** The sizes of all files in bytes, by path with "/". It lies in the folder, so that one rename puts both in place. */
const LIST = '.dawngrad.json';

/**
 * The tutorial's ants and bees, or another zip with one folder that holds train/ and val/: 47 MB, downloaded once and
 * unpacked. Every call checks that all its files still exist with their sizes.
 *
 * @returns path of the folder in the cache
 * @throws UnreachableError or DownloadError naming the address; FileError if the cache folder cannot be used;
 *   UsageError if a variable holds an invalid address; the signal's reason if it is aborted. No error leaves anything
 *   behind
 */
export async function tutorialData(options: FetchOptions = {}): Promise<string> {
  const source = sourceOf('data', options);
  const { cache, path } = source;
  try {
    removeLeftovers(cache);
    const problem = findProblem(path);
    if (problem === undefined) return path;
    if (problem !== MISSING) options.onNote?.(`${path}: ${problem}; it is downloaded again.`);
    makeFolder(cache);
    await withTemporary(cache, async (archive) => {
      await download(source, archive, options);
      await withTemporary(cache, async (folder) => {
        const root = await unpack(source, archive, folder, options);
        await moveIntoPlace(cache, root, path, () => findProblem(path) === undefined);
      });
    });
    return path;
  } catch (error) {
    throw asCacheError(cache, error);
  }
}

const MISSING = 'missing';

/** @returns the problem of the folder as part of a sentence, undefined if there is none */
function findProblem(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return MISSING;
  if (!found.isDirectory()) return 'is not a folder';
  const lacking = PHASES.filter((phase) => !isFolder(join(path, phase)));
  if (lacking.length > 0) return `is incomplete: it has no folder ${lacking.join(' and no ')}`;
  const sizes = readList(path);
  // The user put the folder there, and no list says what it should contain.
  if (sizes === undefined) return undefined;
  if (sizes === null) return `cannot be checked: ${LIST} in it is damaged`;
  for (const [name, size] of Object.entries(sizes)) {
    const file = statSync(join(path, name), { throwIfNoEntry: false });
    if (!file) return `is incomplete: ${name} is missing`;
    if (file.size !== size) return `is damaged: ${name} has ${file.size} bytes, not ${size}`;
  }
  return undefined;
}

function isFolder(path: string): boolean {
  // `statSync` alone would throw if a parent of the path is a file.
  return existsSync(path) && statSync(path).isDirectory();
}

/** @returns undefined if there is no list, null if it is invalid */
function readList(path: string): Record<string, number> | undefined | null {
  try {
    const list: unknown = JSON.parse(readFileSync(join(path, LIST), 'utf8'));
    return list !== null && typeof list === 'object' ? (list as Record<string, number>) : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : null;
  }
}

/** @returns the folder that holds train/ and val/, with its list, below `folder` */
async function unpack(source: Source, archive: string, folder: string, { signal }: FetchOptions): Promise<string> {
  try {
    // Loaded here, because most runs unpack nothing.
    const { unzip } = await import('./unzip.ts');
    const sizes = await unzip(archive, folder, { signal });
    const name = findRoot(folder);
    const prefix = name === '' ? '' : `${name}/`;
    const below = [...sizes].filter(([path]) => path.startsWith(prefix) && path !== `${prefix}${LIST}`);
    const list = Object.fromEntries(below.map(([path, size]) => [path.slice(prefix.length), size]));
    const root = join(folder, name);
    writeFileSync(join(root, LIST), JSON.stringify(list));
    return root;
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    throw new DownloadError(source, `the zip ${error.message}`, { cause: error });
  }
}

/** @returns the name of the folder that holds train/ and val/, '' for `folder` itself. @throws ZipError */
function findRoot(folder: string): string {
  const holdsBoth = (name: string) => PHASES.every((phase) => isFolder(join(folder, name, phase)));
  if (holdsBoth('')) return '';
  const entries: Dirent[] = readdirSync(folder, { withFileTypes: true });
  const roots = entries.filter(({ name }) => holdsBoth(name));
  if (roots.length === 1) return roots[0]!.name;
  const found = entries.length === 0 ? 'nothing' : entries.map(({ name }) => name).join(', ');
  throw new ZipError(`should hold one folder with train/ and val/ in it, but holds ${roots.length}: found ${found}`);
}
