/** Provides torchvision's weights from the cache, or downloads and checks them. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../make-folder.ts';
import { download } from './download.ts';
import { DownloadError } from './errors.ts';
import { moveIntoPlace } from './place.ts';
import { asCacheError } from './reasons.ts';
import { type FetchOptions, hashInName, type Source, sourceOf } from './source.ts';
import { removeLeftovers, withTemporary } from './temporaries.ts';

/** Digits of a hash that a message shows, as many as in torchvision's names. */
const SHOWN_DIGITS = 8;

/**
 * A checkpoint of a resnet18 with ImageNet's 1000 classes, as torchvision publishes it: 47 MB, downloaded once. The
 * hash in its name (`resnet18-f37072fd.pth`) is checked against its SHA-256 after the download and again at every call.
 *
 * @returns path of the file in the cache
 * @throws UnreachableError or DownloadError naming the address; FileError if the cache folder cannot be used;
 *   UsageError if a variable holds an invalid address; the signal's reason if it is aborted. No error leaves anything
 *   behind
 */
export async function tutorialWeights(options: FetchOptions = {}): Promise<string> {
  const source = sourceOf('weights', options);
  const { cache, path, name } = source;
  try {
    removeLeftovers(cache);
    const expected = expectedHash(source);
    const problem = await findProblem(path, expected);
    if (problem === undefined) return path;
    if (problem !== MISSING) options.onNote?.(`${path}: ${problem}; it is downloaded again.`);
    makeFolder(cache);
    await withTemporary(cache, async (temporary) => {
      const { sha256, endKnown } = await download(source, temporary, options);
      checkHash(source, sha256, endKnown, options);
      await moveIntoPlace(cache, temporary, path, async () => (await findProblem(path, sha256)) === undefined);
      if (hashInName(name) === undefined) await rememberHash(source, sha256);
    });
    return path;
  } catch (error) {
    throw asCacheError(cache, error);
  }
}

const MISSING = 'missing';

/** @returns the problem of the file as part of a sentence, undefined if there is none */
async function findProblem(path: string, expected: string | undefined): Promise<string | undefined> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return MISSING;
  if (!found.isFile()) return 'is not a file';
  if (found.size === 0) return 'is empty';
  // The user put it there, and no hash says what it should be.
  if (expected === undefined) return undefined;
  const sha256 = await sha256Of(path);
  if (sha256.startsWith(expected)) return undefined;
  return `is damaged: its SHA-256 should begin with ${shown(expected)}, but begins with ${shown(sha256)}`;
}

function checkHash(source: Source, sha256: string, endKnown: boolean, { onNote }: FetchOptions): void {
  const { name } = source;
  const expected = hashInName(name);
  if (expected !== undefined) {
    if (sha256.startsWith(expected)) return;
    const found = sha256.slice(0, expected.length);
    throw new DownloadError(
      source,
      `its SHA-256 should begin with ${expected}, as its name says, but begins with ${found}`,
    );
  }
  if (!endKnown) {
    throw new DownloadError(
      source,
      'the server did not say how long it is, and its name has no hash, so it may be incomplete',
    );
  }
  onNote?.(`${name} has no hash in its name (such as -f37072fd), so it could not be checked.`);
}

/** The hash in the name, else the one kept at the download, in a file beside it that sha256sum could check too. */
function expectedHash({ name, path }: Source): string | undefined {
  const inName = hashInName(name);
  if (inName !== undefined || !existsSync(besides(path))) return inName;
  return /^[0-9a-f]{64}/.exec(readFileSync(besides(path), 'utf8'))?.[0];
}

async function rememberHash({ cache, path, name }: Source, sha256: string): Promise<void> {
  await withTemporary(cache, async (temporary) => {
    writeFileSync(temporary, `${sha256}  ${name}\n`);
    renameSync(temporary, besides(path));
  });
}

const besides = (path: string) => `${path}.sha256`;

const shown = (hash: string) => hash.slice(0, SHOWN_DIGITS);

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
