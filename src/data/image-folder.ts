/**
 * A folder of pictures with one subfolder per class, read as torchvision's ImageFolder does: same classes, same order
 * of samples, same files skipped. The order matters because a shuffle permutes it.
 */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';

/** torchvision.datasets.folder.IMG_EXTENSIONS; case-insensitive. */
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
 * Lists all pictures in `folder` and its subfolders, by file extension. Folders (itself included) are sorted by path,
 * the files in each by name.
 * @throws FileError if it, or a folder in it, cannot be read
 */
export function listPictures(folder: string): string[] {
  const folders = new Map<string, string[]>();
  walk(folder, folders, []);
  const found: string[] = [];
  for (const path of [...folders.keys()].sort(byCodePoint)) {
    for (const name of folders.get(path)!.sort(byCodePoint)) {
      // torchvision tests the whole path, so a file named just ".jpg" counts there and here.
      if (IMAGE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension))) found.push(join(path, name));
    }
  }
  return found;
}

/** os.walk(followlinks=True): follows links to folders; a link to nothing counts as a file. */
function walk(folder: string, folders: Map<string, string[]>, above: string[]): void {
  const entries = list(folder);
  const { dev, ino } = statSync(folder);
  const identity = `${dev}:${ino}`;
  if (above.includes(identity)) {
    // os.walk would loop until the system refuses; that is not worth copying.
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

/**
 * Compares strings as Python does: by code point. JavaScript's `<` compares UTF-16 units and puts U+FF5E after an
 * emoji.
 */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codeUnitRank(x) - codeUnitRank(y);
  }
  return a.length - b.length;
}

/** Surrogates encode code points above every other unit. */
function codeUnitRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
