/**
 * Finds the pictures of a data set, however it is laid out: `train/` and `val/` with a folder for each class; class
 * folders alone; or a list. Opens no picture.
 */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FileError } from '../../errors.ts';
import { listed, quote } from '../../printable.ts';
import { byCodePoint, type ImageDataset, ImageFolder, type Sample } from '../image-folder.ts';
import { fsPath, nameFromBytes, printableName } from '../names.ts';
import { whyUnread } from '../unread.ts';
import type { LeftOut } from './left-out.ts';
import { isList, LIST_EXTENSIONS, readList } from './list.ts';
import { type SplitName, splitNamed } from './split-names.ts';

/** The pictures of one part. */
export interface FoundSet extends ImageDataset {
  /** Names of pictures begin here. */
  readonly root: string;
  readonly length: number;
  /** Paths of hidden folders and of `._*` files. */
  readonly leftOut: readonly string[];
  readonly notRead: readonly LeftOut[];
}

/** The pictures of a data set as people have divided them. A part that is not there is undefined. */
export interface FoundParts {
  /** `folders`: a folder for each part; `classes`: class folders alone. */
  readonly kind: 'folders' | 'classes' | 'list';
  /** All pictures, where nobody has divided them. Else undefined. */
  readonly whole: FoundSet | undefined;
  readonly train: FoundSet | undefined;
  readonly val: FoundSet | undefined;
  readonly test: FoundSet | undefined;
}

/** Pictures to learn from, and what judges them. */
export interface Layout {
  /** The folder or list that was named. */
  readonly path: string;
  readonly kind: FoundParts['kind'];
  /** Names of the classes, sorted; a class's position is its label in every part. */
  readonly classes: readonly string[];
  readonly train: FoundSet;
  /** Undefined if nobody has divided the pictures: then a share of train is to be taken for it. */
  readonly val: FoundSet | undefined;
  readonly test: FoundSet | undefined;
  /** Whether val are the pictures of test, as there are no others. */
  readonly valIsTest: boolean;
}

/**
 * Finds pictures to learn from.
 * @throws FileError if there is nothing to learn from, the parts differ in classes, or there are fewer than two classes;
 *   else as `findParts`
 */
export async function findLayout(path: string): Promise<Layout> {
  const { kind, whole, val, test, ...parts } = await findParts(path);
  const train = whole ?? parts.train;
  if (!train) throw nothingToLearn(path, kind, (val ?? test)!);
  checkParts(path, train, val ?? test, val ? 'val' : 'test');
  return {
    ...{ path, kind, classes: train.classes, train },
    val: val ?? test,
    test: val && test && relabelled(path, test, train.classes),
    valIsTest: val === undefined && test !== undefined,
  };
}

/**
 * Finds pictures for any purpose: there is at least one part, and each has classes of its own.
 * @throws FileError if there is nothing; MissingPackageError if a list needs its reader
 */
export async function findParts(path: string): Promise<FoundParts> {
  const isFile = statSync(fsPath(path), { throwIfNoEntry: false })?.isFile();
  return isFile ? await fromList(path) : fromFolder(path);
}

/** Whether a folder, which need not be there, would be a class of a data set, or lie in one. A hidden one would not. */
export function isAmongPictures(data: string, folder: string): boolean {
  if (!statSync(fsPath(data), { throwIfNoEntry: false })?.isDirectory()) return false;
  const [first, ...rest] = relative(realPath(data), realPath(folder)).split(sep);
  if (first === '..' || isAbsolute(first!) || [first!, ...rest].some((name) => name.startsWith('.'))) return false;
  const hasParts = foldersIn(data).some((name) => splitNamed(name) !== undefined);
  return !hasParts || splitNamed(first!) !== undefined;
}

/** Without links, as far as it is there. */
function realPath(path: string): string {
  try {
    return nameFromBytes(realpathSync(fsPath(path), 'buffer'));
  } catch {
    const above = dirname(resolve(path));
    return above === resolve(path) ? above : join(realPath(above), basename(path));
  }
}

function nothingToLearn(path: string, kind: FoundParts['kind'], other: FoundSet): FileError {
  if (kind === 'list') {
    return new FileError(`${printableName(path)}: found no picture of the split train. Mark those to learn from.`);
  }
  return new FileError(
    `${printableName(path)}: found ${printableName(basename(other.root))}/ but no train/. Name the folder of the ` +
      'pictures to learn from train; or, if these are classes, give this folder another name.',
  );
}

function fromFolder(root: string): FoundParts {
  const folders = foldersIn(root);
  const parts = new Map<SplitName, string>();
  for (const name of folders) {
    const part = splitNamed(name);
    if (part === undefined) continue;
    const other = parts.get(part);
    if (other !== undefined) {
      throw new FileError(
        `${printableName(root)}: found both ${printableName(other)} and ${printableName(name)}, which mean the same. ` +
          'Keep one of them.',
      );
    }
    parts.set(part, name);
  }
  if (parts.size === 0) {
    return { kind: 'classes', whole: openClasses(root), train: undefined, val: undefined, test: undefined };
  }
  const [train, val] = (['train', 'val'] as const).map((part) => openPart(root, parts.get(part)));
  const testName = parts.get('test');
  // As contests hand it out: pictures whose classes nobody tells. Training needs none of them.
  if (train && testName !== undefined && foldersIn(join(root, testName)).length === 0) {
    const notRead: readonly LeftOut[] = [...train.notRead, { path: join(root, testName), kind: 'unlabelled' }];
    const { classes, samples, length, leftOut } = train;
    const told: FoundSet = { root: train.root, classes, samples, length, leftOut, notRead };
    return { kind: 'folders', whole: undefined, train: told, val, test: undefined };
  }
  return { kind: 'folders', whole: undefined, train, val, test: openPart(root, testName) };
}

/** @throws FileError; if it holds no folders, it may be a class with the name of a part */
function openPart(root: string, name: string | undefined): FoundSet | undefined {
  if (name === undefined) return undefined;
  const path = join(root, name);
  if (foldersIn(path).length > 0) return new ImageFolder(path);
  throw new FileError(
    `${printableName(path)}: expected one folder of pictures per class, found no folder. Arrange the pictures as ` +
      `${printableName(join(path, 'CLASS', 'picture.jpg'))}; or, if ${printableName(name)} is a class itself, give this ` +
      'folder another name.',
  );
}

/** The folders in it, without hidden ones. @throws FileError */
function foldersIn(root: string): string[] {
  let names: string[];
  try {
    names = readdirSync(fsPath(root), { encoding: 'buffer' }).map(nameFromBytes);
  } catch (cause) {
    const expected = `a folder of pictures, or a list (${LIST_EXTENSIONS.join(' ')})`;
    throw new FileError(`${printableName(root)}: expected ${expected}, but ${whyUnread(cause)}`, { cause });
  }
  const isFolder = (name: string) => {
    try {
      return statSync(fsPath(join(root, name))).isDirectory();
    } catch {
      return false;
    }
  };
  return names.filter((name) => !name.startsWith('.') && isFolder(name)).sort(byCodePoint);
}

function openClasses(root: string): FoundSet {
  const found = new ImageFolder(root);
  const [only] = found.classes;
  // A data set that was unpacked one folder too deep.
  if (found.classes.length === 1 && foldersIn(join(root, only!)).length > 0) {
    throw new FileError(
      `${printableName(root)}: expected two or more class folders, or train/ and val/, found only ${only}, which holds ` +
        `folders itself. Is it ${printableName(join(root, only!))} that you mean?`,
    );
  }
  return found;
}

async function fromList(path: string): Promise<FoundParts> {
  if (!isList(path)) {
    throw new FileError(
      `${printableName(path)}: expected a folder of pictures, or a list (${LIST_EXTENSIONS.join(' ')}), found another file.`,
    );
  }
  const pictures = await readList(path);
  const part = (split: SplitName | undefined) => pictures.filter((picture) => picture.split === split);
  const setOf = (some: typeof pictures): FoundSet => {
    const classes = [...new Set(some.map(({ label }) => label))].sort(byCodePoint);
    const labels = new Map(classes.map((name, label) => [name, label]));
    const samples = some.map((one): Sample => ({ path: one.path, label: labels.get(one.label)! }));
    return { root: dirname(path), classes, samples, length: samples.length, leftOut: [], notRead: [] };
  };
  const some = (split: SplitName | undefined) => {
    const found = part(split);
    return found.length > 0 ? setOf(found) : undefined;
  };
  return { kind: 'list', whole: some(undefined), train: some('train'), val: some('val'), test: some('test') };
}

/**
 * @param judged the pictures to judge each epoch by, if there are any yet
 * @param part what they are called
 * @throws FileError if the two differ in classes, or have fewer than two or some that look the same
 */
export function checkParts(path: string, train: FoundSet, judged: FoundSet | undefined, part: SplitName = 'val'): void {
  if (judged) checkClasses(path, train, judged, part);
  checkTwins(path, train.classes);
  if (train.classes.length >= 2) return;
  const [where, advice] = isList(path)
    ? [path, 'Add pictures of another label to the list.']
    : [train.root, 'Add a folder per class.'];
  throw new FileError(
    `${printableName(where)}: expected two or more classes, found only ${listed(train.classes)}. ${advice}`,
  );
}

/** Names that differ only in how Unicode writes their accents look the same, and no one could tell the classes apart. */
function checkTwins(path: string, classes: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of classes) {
    const key = name.normalize('NFC');
    if (seen.has(key)) {
      throw new FileError(
        `${printableName(path)}: expected classes of different names, found ${quote(key)} twice: their letters are equal, ` +
          'and only stored in two ways (Unicode NFC and NFD). Put their pictures together, or rename one.',
      );
    }
    seen.set(key, name);
  }
}

function checkClasses(path: string, train: FoundSet, judged: FoundSet, part: SplitName): void {
  const onlyIn = (a: FoundSet, b: FoundSet) => a.classes.filter((name) => !b.classes.includes(name));
  const named = (set: FoundSet, name: SplitName) => (isList(path) ? name : set.root);
  const differences = [
    { part: named(train, 'train'), names: onlyIn(train, judged) },
    { part: named(judged, part), names: onlyIn(judged, train) },
  ].filter(({ names }) => names.length > 0);
  if (differences.length === 0) return;
  const list = differences.map(({ part, names }) => `${listed(names)} only in ${printableName(part)}`).join('; ');
  throw new FileError(
    `${printableName(path)}: train and ${part} must hold the same classes, found ${list}. ` +
      'Rename or add classes until they agree.',
  );
}

/** The set with the labels of these classes. It may lack some. @throws FileError if it has others */
function relabelled(path: string, set: FoundSet, classes: readonly string[]): FoundSet {
  const unknown = set.classes.filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new FileError(
      `${printableName(path)}: the classes ${listed(unknown)} are in test but not in train. Rename or remove them.`,
    );
  }
  const { root, length, leftOut, notRead } = set;
  const labels = set.classes.map((name) => classes.indexOf(name));
  const samples = set.samples.map((sample) => ({ path: sample.path, label: labels[sample.label]! }));
  return { root, classes, samples, length, leftOut, notRead };
}
