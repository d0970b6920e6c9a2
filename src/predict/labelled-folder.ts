/** A folder of pictures whose classes are known, and how they fit a network's. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fsPath, ImageFolder, type Sample } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { listed } from '../printable.ts';
import type { ClassNames } from './class-names.ts';

/** Parts of a data set that a network has not learnt from, in the order in which they are looked for. */
const SPLITS = ['val', 'valid', 'validation', 'test'] as const;
/** The whole of a folder without parts. */
const WHOLE = 'all';

/** Pictures and their classes. */
export interface LabelledFolder {
  /** The folder as given; absolute path. */
  readonly data: string;
  /** Which part of it: `val`, or `all` if it has no parts. */
  readonly split: string;
  /** Names of the class folders, sorted. */
  readonly classes: readonly string[];
  /** Sorted; a label is an index of `classes`. */
  readonly samples: readonly Sample[];
  /** Paths of hidden folders and of `._*` files, which are no classes and no pictures. */
  readonly leftOut: readonly string[];
}

/**
 * Lists the pictures of a labelled folder: of its `val/`, `valid/`, `validation/` or `test/`, the first that is there,
 * else of the class folders that it holds itself.
 * @param split the name of another part, such as `train`
 * @throws FileError if a folder is missing, holds no class folder, or a class holds no picture
 */
export function openLabelled(data: string, split?: string): LabelledFolder {
  const part = split ?? SPLITS.find((name) => isFolder(join(data, name)));
  const folder = new ImageFolder(part === undefined ? data : join(data, part));
  const { classes, samples, leftOut } = folder;
  return { data: resolve(data), split: part ?? WHOLE, classes, samples, leftOut };
}

/** Which class of a network each class of a folder is. */
export interface MatchedClasses {
  /** For each class of the folder, its index among the network's. */
  readonly labels: readonly number[];
  /** What a reader must know about the match, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Matches the classes of a folder to those of a network, by name. A network without names, such as PyTorch's own
 * checkpoints, must have as many: then the order tells, as it does for PyTorch.
 * @param weights the network's file, for messages
 * @throws FileError if the network does not have a class of the folder
 */
export function labelsByName(
  { data, classes }: Pick<LabelledFolder, 'data' | 'classes'>,
  weights: string,
  { names, source }: ClassNames,
): MatchedClasses {
  if (source === 'numbers') {
    if (names.length !== classes.length) {
      throw new FileError(
        `${weights}: the network has ${names.length} classes without names, and ${data} has ${classes.length} ` +
          `(${listed(classes)}), so they cannot be matched. Give weights that name their classes, or a folder of as many.`,
      );
    }
    return {
      labels: [...classes.keys()],
      notes: [`The weights do not name their classes, so the folder's are taken in their order: ${listed(classes)}.`],
    };
  }
  const labels = new Map<string, number[]>();
  for (const [label, name] of names.entries()) {
    const key = nameKey(name);
    labels.set(key, [...(labels.get(key) ?? []), label]);
  }
  const found = classes.map((name) => labels.get(nameKey(name)) ?? []);
  const unknown = classes.filter((_, i) => found[i]!.length === 0);
  if (unknown.length > 0) {
    throw new FileError(
      `${data}: the network of ${weights} has no classes ${listed(unknown)}. Its classes are ${listed(names)}. ` +
        'Rename these folders, or move them away.',
    );
  }
  const several = classes.filter((_, i) => found[i]!.length > 1);
  if (several.length > 0) {
    throw new FileError(
      `${weights}: the network has several classes named ${listed(several)}; no folder can be matched.`,
    );
  }
  return { labels: found.map(([label]) => label!), notes: [] };
}

/** Equal for names that look alike: macOS splits accents from their letters. */
export function nameKey(name: string): string {
  return name.normalize('NFC');
}

function isFolder(path: string): boolean {
  return statSync(fsPath(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
}
