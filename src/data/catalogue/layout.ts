/**
 * Finds the pictures of a data set, however it is laid out: `train/` and `val/` with a folder for each class; class
 * folders alone; or a list. Opens no picture.
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FileError } from '../../errors.ts';
import { listed } from '../../printable.ts';
import { byCodePoint, type ImageDataset, ImageFolder, type Sample } from '../image-folder.ts';
import { fsPath, nameFromBytes, printableName } from '../names.ts';
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

/** What was found. */
export interface Layout {
  /** The folder or list that was named. */
  readonly path: string;
  /** `folders`: a folder for each part; `classes`: class folders alone. */
  readonly kind: 'folders' | 'classes' | 'list';
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
 * @throws FileError if there is nothing, the parts differ in classes, or there are fewer than two classes;
 *   MissingPackageError if a list needs its reader
 */
export async function findLayout(path: string): Promise<Layout> {
  const isFile = statSync(fsPath(path), { throwIfNoEntry: false })?.isFile();
  const found = isFile ? await fromList(path) : fromFolder(path);
  const { kind, train, val, test } = found;
  checkParts(path, train, val ?? test);
  return {
    ...{ path, kind, classes: train.classes, train },
    val: val ?? test,
    test: val && test && relabelled(path, test, train.classes),
    valIsTest: val === undefined && test !== undefined,
  };
}

type Parts = Pick<Layout, 'kind' | 'train' | 'val' | 'test'>;

function fromFolder(root: string): Parts {
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
  const train = parts.get('train');
  if (train === undefined) {
    const [[, alone] = []] = parts;
    if (alone === undefined) return { kind: 'classes', train: openClasses(root), val: undefined, test: undefined };
    throw new FileError(
      `${printableName(root)}: found ${printableName(alone)}/ but no train/. Name the folder of the pictures to learn ` +
        'from train; or, if these are classes, give this folder another name.',
    );
  }
  const open = (part: SplitName) => {
    const name = parts.get(part);
    return name === undefined ? undefined : new ImageFolder(join(root, name));
  };
  return { kind: 'folders', train: open('train')!, val: open('val'), test: open('test') };
}

/** The folders in it, without hidden ones. @throws FileError */
function foldersIn(root: string): string[] {
  let names: string[];
  try {
    names = readdirSync(fsPath(root), { encoding: 'buffer' }).map(nameFromBytes);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const found = isMissing ? 'there is nothing' : (cause as Error).message;
    throw new FileError(
      `${printableName(root)}: expected a folder of pictures, or a list (${LIST_EXTENSIONS.join(' ')}), but ` +
        `${printableName(found)}. Check the path.`,
      { cause },
    );
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

async function fromList(path: string): Promise<Parts> {
  if (!isList(path)) {
    throw new FileError(
      `${printableName(path)}: expected a folder of pictures, or a list (${LIST_EXTENSIONS.join(' ')}), found another file.`,
    );
  }
  const pictures = await readList(path);
  const part = (split: SplitName | undefined) => pictures.filter((picture) => picture.split === split);
  const whole = part(undefined);
  const setOf = (some: typeof pictures): FoundSet => {
    const classes = [...new Set(some.map(({ label }) => label))].sort(byCodePoint);
    const labels = new Map(classes.map((name, label) => [name, label]));
    const samples = some.map((one): Sample => ({ path: one.path, label: labels.get(one.label)! }));
    return { root: dirname(path), classes, samples, length: samples.length, leftOut: [], notRead: [] };
  };
  const some = (split: SplitName) => {
    const found = part(split);
    return found.length > 0 ? setOf(found) : undefined;
  };
  const train = whole.length > 0 ? setOf(whole) : some('train');
  if (!train) {
    throw new FileError(`${printableName(path)}: found no picture of the split train. Mark those to learn from.`);
  }
  return { kind: 'list', train, val: some('val'), test: some('test') };
}

/**
 * @param judged the pictures to judge each epoch by, if there are any yet
 * @throws FileError if the two differ in classes or have fewer than two
 */
export function checkParts(path: string, train: FoundSet, judged: FoundSet | undefined): void {
  if (judged) checkClasses(path, train, judged);
  if (train.classes.length >= 2) return;
  throw new FileError(
    `${printableName(train.root)}: expected two or more classes, found only ${train.classes.join()}. Add a folder per class.`,
  );
}

function checkClasses(path: string, train: FoundSet, judged: FoundSet): void {
  const onlyIn = (a: FoundSet, b: FoundSet) => a.classes.filter((name) => !b.classes.includes(name));
  const isList = train.root === judged.root;
  const differences = [
    { part: isList ? 'train' : train.root, names: onlyIn(train, judged) },
    { part: isList ? 'the rest' : judged.root, names: onlyIn(judged, train) },
  ].filter(({ names }) => names.length > 0);
  if (differences.length === 0) return;
  const list = differences.map(({ part, names }) => `${listed(names)} only in ${printableName(part)}`).join('; ');
  throw new FileError(
    `${printableName(path)}: train and val must hold the same classes, found ${list}. ` +
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
