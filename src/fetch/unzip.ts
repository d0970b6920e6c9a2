/**
 * Unpacks a zip so that nothing can land outside the folder, and only plain files and folders land in it. The zip's
 * whole directory is checked before the first byte is written.
 */
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import crc32 from 'crc-32';
import { type Entry, getFileNameLowLevel, openPromise, type ZipFile } from 'yauzl';
import { makeFolder } from '../make-folder.ts';
import { ZipError } from './errors.ts';

/** Limits of an unpacked zip. The tutorial's has some 400 entries and 47 MB. */
export interface UnzipLimits {
  readonly entries: number;
  readonly bytes: number;
}

const LIMITS: UnzipLimits = { entries: 100_000, bytes: 2 ** 32 };

/** Kinds of file in the upper half of an entry's attributes, if a Unix system made the zip. */
const KIND_MASK = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;
const LINK = 0o120000;

/** Files that macOS and Windows add by themselves. */
const JUNK = /(^|\/)(__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/;

interface Planned {
  readonly entry: Entry;
  /** Path below the folder, with "/". */
  readonly path: string;
}

/**
 * @param folder is created; must not exist yet. After an error the caller removes its remains
 * @returns size of every file in bytes, by path with "/"
 * @throws ZipError; errors of `node:fs` unchanged; the signal's reason if it is aborted
 */
export async function unzip(
  archive: string,
  folder: string,
  { signal, limits = LIMITS }: { signal?: AbortSignal | undefined; limits?: UnzipLimits } = {},
): Promise<Map<string, number>> {
  const zip = await openPromise(archive, { lazyEntries: true, autoClose: false, decodeStrings: false }).catch(
    asZipError,
  );
  try {
    const planned = await plan(zip, limits);
    const sizes = new Map<string, number>();
    mkdirSync(folder);
    for (const { entry, path } of planned) {
      signal?.throwIfAborted();
      const target = join(folder, path);
      if (path.endsWith('/')) makeFolder(target);
      else {
        makeFolder(dirname(target));
        await writeEntry(zip, entry, target, signal);
        sizes.set(path, entry.uncompressedSize);
      }
    }
    return sizes;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    zip.close();
  }
}

async function plan(zip: ZipFile, limits: UnzipLimits): Promise<Planned[]> {
  if (zip.entryCount > limits.entries) throw new ZipError(`has ${zip.entryCount} entries, more than ${limits.entries}`);
  const planned: Planned[] = [];
  const names = new Map<string, 'file' | 'folder'>();
  let bytes = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
      const path = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
      checkEntry(entry, path);
      if (JUNK.test(path)) continue;
      claim(names, path);
      bytes += entry.uncompressedSize;
      planned.push({ entry, path });
    }
  } catch (error) {
    asZipError(error);
  }
  if (bytes > limits.bytes) {
    throw new ZipError(`would unpack to ${bytes} bytes, more than ${limits.bytes}: refused as a zip bomb`);
  }
  return planned;
}

function checkEntry(entry: Entry, path: string): void {
  const name = JSON.stringify(path);
  // Backslashes and colons are special on Windows. Every system refuses the same zips.
  const parts = path.replace(/\/$/, '').split('/');
  if (/^\/|^[a-z]:|\\/i.test(path) || parts.includes('..')) {
    throw new ZipError(`has an entry that would leave the folder it is unpacked to, ${name}, and is refused`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the check looks for control characters
  if (/[\u0000-\u001f:]/.test(path) || parts.some((part) => part === '' || part === '.')) {
    throw new ZipError(`has an entry whose name is not allowed, ${name}, and is refused`);
  }
  const kind = (entry.externalFileAttributes >>> 16) & KIND_MASK;
  if (kind !== 0 && kind !== REGULAR && kind !== FOLDER) {
    const what = kind === LINK ? 'a symbolic link' : 'neither a file nor a folder';
    throw new ZipError(`has an entry that is ${what}, ${name}, and is refused`);
  }
  if (entry.isEncrypted()) throw new ZipError(`has an encrypted entry, ${name}`);
}

/** Reserves a name for one entry. No other may have it, or need a folder of this name if it is a file. */
function claim(names: Map<string, 'file' | 'folder'>, path: string): void {
  const isFolder = path.endsWith('/');
  const parts = path.replace(/\/$/, '').split('/');
  for (let length = 1; length <= parts.length; length++) {
    const name = parts.slice(0, length).join('/');
    const kind = length < parts.length || isFolder ? 'folder' : 'file';
    const before = names.get(name);
    if (before !== undefined && (before === 'file' || kind === 'file')) {
      throw new ZipError(`has two entries with the same name, ${JSON.stringify(path)}`);
    }
    names.set(name, kind);
  }
}

async function writeEntry(zip: ZipFile, entry: Entry, target: string, signal?: AbortSignal): Promise<void> {
  let sum = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sum = crc32.buf(chunk, sum);
      done(null, chunk);
    },
  });
  const input = await zip.openReadStreamPromise(entry).catch(asZipError);
  await pipeline([input, check, createWriteStream(target, { flags: 'wx' })], { signal }).catch(asZipError);
  if (sum >>> 0 !== entry.crc32) {
    throw new ZipError(`is damaged: the checksum of ${JSON.stringify(entry.fileNameRaw.toString())} does not match`);
  }
}

/** Turns errors of yauzl and zlib into a ZipError; errors of `node:fs` concern the disk and stay. */
function asZipError(error: unknown): never {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  // `claim` found no equal names, so this file system ignores case.
  if (code === 'EEXIST') throw new ZipError(`has two entries that are the same file on this file system, ${path}`);
  if (error instanceof ZipError || !(error instanceof Error) || (code && syscall)) throw error;
  throw new ZipError(`is not a complete zip archive (${error.message})`, { cause: error });
}
