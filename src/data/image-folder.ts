/**
 * A folder of pictures with one subfolder per class, read as torchvision's ImageFolder does: same classes, same order
 * of samples, same files skipped. The order matters because a shuffle permutes it. Two things are left out that
 * torchvision takes: hidden folders, such as `.ipynb_checkpoints`, and files named `._*`, in which macOS keeps what other
 * file systems have no place for. Names may be any bytes (`names.ts`).
 */
import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';
import { listed } from '../printable.ts';
import { kindOf, type LeftOut } from './catalogue/left-out.ts';
import { fsPath, nameFromBytes, printableName } from './names.ts';
import { whyUnread } from './unread.ts';

/** torchvision.datasets.folder.IMG_EXTENSIONS, and those of phones behind them; case-insensitive. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  '.jpg',
  '.jpeg',
  '.png',
  '.ppm',
  '.bmp',
  '.pgm',
  '.tif',
  '.tiff',
  '.webp',
  '.avif',
  '.heic',
  '.heif',
];

/** One picture and the index of its class. */
export interface Sample {
  /** Bytes of the name that are no UTF-8 are lone surrogates, as in Python. */
  readonly path: string;
  readonly label: number;
}

/** A data set as a loader needs it. */
export interface ImageDataset {
  readonly classes: readonly string[];
  readonly samples: readonly Sample[];
  /** Width and height of every sample in turn, pixels. The first reader fills it in. */
  sizes?: Int32Array;
}

/** The pictures in `root`, sorted as torchvision sorts them. */
export class ImageFolder implements ImageDataset {
  readonly root: string;
  /** Class names, sorted; a class's position is its label. */
  readonly classes: readonly string[];
  readonly samples: readonly Sample[];
  /** Paths of hidden folders and of `._*` files with a picture's extension, which are no classes and no pictures. */
  readonly leftOut: readonly string[];
  /** Files that are not read though they lie among the pictures: GIF, films, pictures beside the class folders. */
  readonly notRead: readonly LeftOut[];
  sizes?: Int32Array;

  /** @throws FileError if `root` is missing, holds no class folder, or a class holds no picture. */
  constructor(root: string) {
    const leftOut: string[] = [];
    const notRead: LeftOut[] = [];
    const folders = findClasses(root, leftOut, notRead);
    this.root = root;
    this.classes = folders.map(printableName);
    this.leftOut = leftOut;
    this.notRead = notRead;
    const samples: Sample[] = [];
    const empty: string[] = [];
    folders.forEach((name, label) => {
      const before = samples.length;
      for (const path of listPictures(join(root, name), leftOut, notRead)) samples.push({ path, label });
      if (samples.length === before) empty.push(this.classes[label]!);
    });
    if (empty.length > 0) {
      throw new FileError(
        `${root}: found no picture for the classes ${listed(empty)}. ` +
          `Put pictures there (${IMAGE_EXTENSIONS.join(' ')}) or remove these folders.`,
      );
    }
    this.samples = samples;
  }

  /** Number of pictures. */
  get length(): number {
    return this.samples.length;
  }
}

function findClasses(root: string, leftOut: string[], notRead: LeftOut[]): string[] {
  const entries = list(root);
  for (const { name, isFolder } of entries) {
    if (!isFolder && !name.startsWith('.')) {
      notRead.push({ path: join(root, name), kind: hasExtension(name) ? 'loose' : kindOf(name) });
    }
  }
  const classes = entries
    .filter(({ name, isFolder }) => isFolder && keep(join(root, name), isHidden(name), leftOut))
    .map(({ name }) => name)
    .sort(byCodePoint);
  if (classes.length === 0) {
    throw new FileError(
      `${printableName(root)}: expected one folder of pictures per class, found no folder. ` +
        `Arrange the pictures as ${printableName(join(root, 'CLASS', 'picture.jpg'))}.`,
    );
  }
  return classes;
}

/**
 * Lists all pictures in `folder` and its subfolders, by file extension. Folders (itself included) are sorted by path,
 * the files in each by name.
 * @param leftOut receives the paths of hidden folders and of `._*` files, which are left out
 * @param notRead receives the files without a picture's extension, except hidden ones
 * @throws FileError if it, or a folder in it, cannot be read
 */
export function listPictures(folder: string, leftOut: string[] = [], notRead: LeftOut[] = []): string[] {
  const folders = new Map<string, string[]>();
  walk(folder, folders, [], leftOut);
  const found: string[] = [];
  for (const path of [...folders.keys()].sort(byCodePoint)) {
    for (const name of folders.get(path)!.sort(byCodePoint)) {
      const picture = join(path, name);
      if (!hasExtension(name)) {
        if (!name.startsWith('.')) notRead.push({ path: picture, kind: kindOf(name) });
      } else if (keep(picture, name.startsWith('._'), leftOut)) found.push(picture);
    }
  }
  return found;
}

/** torchvision tests the whole path, so a file named just ".jpg" counts there and here. */
function hasExtension(name: string): boolean {
  return IMAGE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension));
}

function keep(path: string, leaveOut: boolean, leftOut: string[]): boolean {
  if (leaveOut) leftOut.push(path);
  return !leaveOut;
}

function isHidden(folder: string): boolean {
  return folder.startsWith('.');
}

/** os.walk(followlinks=True): follows links to folders; a link to nothing counts as a file. */
function walk(folder: string, folders: Map<string, string[]>, above: string[], leftOut: string[]): void {
  const entries = list(folder);
  const { dev, ino } = statSync(fsPath(folder));
  const identity = `${dev}:${ino}`;
  if (above.includes(identity)) {
    // os.walk would loop until the system refuses; that is not worth copying.
    throw new FileError(
      `${printableName(folder)}: this link leads back to a folder that contains it. Remove the link.`,
    );
  }
  const files: string[] = [];
  folders.set(folder, files);
  for (const { name, isFolder } of entries) {
    const path = join(folder, name);
    if (!isFolder) files.push(name);
    else if (keep(path, isHidden(name), leftOut)) walk(path, folders, [...above, identity], leftOut);
  }
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

function list(folder: string): Entry[] {
  let entries: Dirent<Buffer>[];
  try {
    entries = readdirSync(fsPath(folder), { withFileTypes: true, encoding: 'buffer' });
  } catch (cause) {
    throw new FileError(`${printableName(folder)}: expected a folder of pictures, but ${whyUnread(cause)}`, { cause });
  }
  return entries.map((entry) => {
    const name = nameFromBytes(entry.name);
    const isFolder = entry.isSymbolicLink() ? linksToFolder(join(folder, name)) : entry.isDirectory();
    return { name, isFolder };
  });
}

/** Like Python's os.path.isdir, which is false for a link that leads nowhere, in a circle, or where one may not look. */
function linksToFolder(path: string): boolean {
  let stats: Stats | undefined;
  try {
    stats = statSync(fsPath(path), { throwIfNoEntry: false });
  } catch {
    return false;
  }
  return stats?.isDirectory() ?? false;
}

/**
 * Compares strings as Python does: by code point. JavaScript's `<` compares UTF-16 units and puts U+FF5E after an
 * emoji.
 */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return codeUnitRank(a, i) - codeUnitRank(b, i);
  }
  return a.length - b.length;
}

/**
 * A pair of surrogates encodes a code point above every other unit. A lone one stands for a byte that is no UTF-8, and
 * is a code point of its own.
 */
function codeUnitRank(text: string, i: number): number {
  const unit = text.charCodeAt(i);
  const isHigh = (at: number) => (text.charCodeAt(at) & 0xfc00) === 0xd800;
  return isHigh(i) || ((unit & 0xfc00) === 0xdc00 && isHigh(i - 1)) ? unit + 0x10000 : unit;
}
