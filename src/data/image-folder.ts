/**
 * A folder of pictures, one subfolder per class, read as torchvision's ImageFolder reads it: same classes, same order of
 * samples, same files left out. The order matters, as a shuffle is a permutation of it.
 */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';

/** torchvision.datasets.folder.IMG_EXTENSIONS; case does not matter. */
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
];

/** One picture and the index of its class. */
export interface Sample {
  readonly path: string;
  readonly label: number;
}

/** What a loader needs to know of a dataset. */
export interface ImageDataset {
  readonly classes: readonly string[];
  readonly samples: readonly Sample[];
  /** Width and height of every sample in turn, filled in by whoever reads them first; pixels. */
  sizes?: Int32Array;
}

/** The pictures below `root`, sorted as torchvision sorts them. */
export class ImageFolder implements ImageDataset {
  readonly root: string;
  /** Class names, sorted; their places are the labels. */
  readonly classes: readonly string[];
  readonly samples: readonly Sample[];
  sizes?: Int32Array;

  /** @throws FileError if `root` is missing, holds no class folder, or a class holds no picture. */
  constructor(root: string) {
    this.root = root;
    this.classes = findClasses(root);
    const samples: Sample[] = [];
    const empty: string[] = [];
    this.classes.forEach((name, label) => {
      const before = samples.length;
      for (const path of listPictures(join(root, name))) samples.push({ path, label });
      if (samples.length === before) empty.push(name);
    });
    if (empty.length > 0) {
      throw new FileError(
        `${root}: found no picture for the classes ${empty.join(', ')}. ` +
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

function findClasses(root: string): string[] {
  const classes = list(root)
    .filter((entry) => isFolder(join(root, entry.name), entry))
    .map((entry) => entry.name)
    .sort(byCodePoint);
  if (classes.length === 0) {
    throw new FileError(
      `${root}: expected one folder of pictures per class, found no folder. ` +
        `Arrange the pictures as ${join(root, 'CLASS', 'picture.jpg')}.`,
    );
  }
  return classes;
}

/**
 * All pictures below `folder`, by the endings of their names: its folders (itself among them) sorted by path, inside each
 * the files by name.
 * @throws FileError if it, or a folder in it, cannot be read
 */
export function listPictures(folder: string): string[] {
  const folders = new Map<string, string[]>();
  walk(folder, folders, []);
  const found: string[] = [];
  for (const path of [...folders.keys()].sort(byCodePoint)) {
    for (const name of folders.get(path)!.sort(byCodePoint)) {
      // torchvision tests the whole path, so a file named just ".jpg" counts; so it does here.
      if (IMAGE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension))) found.push(join(path, name));
    }
  }
  return found;
}

/** os.walk(followlinks=True): links to folders are followed, links to nothing are files. */
function walk(folder: string, folders: Map<string, string[]>, above: string[]): void {
  const entries = list(folder);
  const { dev, ino } = statSync(folder);
  const identity = `${dev}:${ino}`;
  if (above.includes(identity)) {
    // os.walk would go round until the system refuses; there is nothing to be faithful to.
    throw new FileError(`${folder}: this link leads back to a folder that contains it. Remove the link.`);
  }
  const files: string[] = [];
  folders.set(folder, files);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (isFolder(path, entry)) walk(path, folders, [...above, identity]);
    else files.push(entry.name);
  }
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const found = code === 'ENOENT' ? 'there is nothing' : code === 'ENOTDIR' ? 'this is a file' : String(cause);
    throw new FileError(`${folder}: expected a folder of pictures, but ${found}. Check the path.`, { cause });
  }
}

function isFolder(path: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Python's order of strings: by code point, where JavaScript's `<` goes by UTF-16 unit and puts U+FF5E after an emoji. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codeUnitRank(x) - codeUnitRank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points beyond every other unit. */
function codeUnitRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
