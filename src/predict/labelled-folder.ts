/** Pictures whose classes are known, from a folder or a list, and how their classes fit a network's. */
import { resolve } from 'node:path';
import {
  byCodePoint,
  type FoundParts,
  type FoundSet,
  findParts,
  folderOf,
  type LeftOut,
  type Sample,
  SPLIT_NAMES,
  splitNamed,
} from '../data/index.ts';
import { FileError } from '../errors.ts';
import { listed, quote } from '../printable.ts';
import type { ClassNames } from './class-names.ts';

/** Parts of a data set that a network has not learnt from, in the order in which they are looked for. */
const JUDGED = ['val', 'test'] as const;
/** All parts together, and the pictures that nobody has divided. */
export const WHOLE = 'all';

/** Pictures and their classes. */
export interface LabelledFolder {
  /** The folder or list as given, for messages. */
  readonly path: string;
  /** Absolute path of the folder; of a list, of the folder that its paths count from. */
  readonly data: string;
  /** Which part of it: `val`, `test`, `train`, or `all`. */
  readonly split: string;
  /** Names of the classes, sorted. */
  readonly classes: readonly string[];
  /** By class and path; a label is an index of `classes`. */
  readonly samples: readonly Sample[];
  /** Paths of hidden folders and of `._*` files, which are no classes and no pictures. */
  readonly leftOut: readonly string[];
  /** Files that are not read though they lie among the pictures, such as GIF. */
  readonly notRead: readonly LeftOut[];
}

/**
 * Lists the pictures of a folder or list, as `train` finds them: of its val, else of its test, else all.
 * @param split the name of another part: `train`, or `all`
 * @throws as `partOf`; FileError if there is nothing; MissingPackageError if a list needs its reader
 */
export async function openLabelled(data: string, split?: string): Promise<LabelledFolder> {
  return partOf(data, await findParts(data), split);
}

/**
 * One part of the pictures that were found, or all together.
 * @param split its name; by default val, else test, else all
 * @throws FileError if it is not there
 */
export function partOf(data: string, parts: FoundParts, split?: string): LabelledFolder {
  const name = split === undefined ? (JUDGED.find((one) => parts[one]) ?? WHOLE) : (splitNamed(split) ?? split);
  const there = SPLIT_NAMES.filter((one) => parts[one]);
  const sets =
    name === WHOLE ? [parts.whole, ...there.map((one) => parts[one])] : [parts[there.find((one) => one === name)!]];
  const found = sets.filter((set) => set !== undefined);
  if (found.length > 0) return { path: data, data: resolve(folderOf(data)), split: name, ...together(found) };
  throw new FileError(
    `${data}: expected pictures for ${quote(name)}, found ` +
      `${there.length > 0 ? `only ${there.join(', ')}` : 'pictures that nobody has divided'}. Choose another split, or ${WHOLE}.`,
  );
}

/** Several parts as one. One of them may lack classes of another. */
function together(sets: readonly FoundSet[]): Pick<LabelledFolder, 'classes' | 'samples' | 'leftOut' | 'notRead'> {
  const classes = [...new Set(sets.flatMap((set) => set.classes))].sort(byCodePoint);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const samples = sets.flatMap((set) =>
    set.samples.map(({ path, label }) => ({ path, label: labels.get(set.classes[label]!)! })),
  );
  return { classes, samples, leftOut: sets.flatMap((set) => set.leftOut), notRead: sets.flatMap((set) => set.notRead) };
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
  { path, classes }: Pick<LabelledFolder, 'path' | 'classes'>,
  weights: string,
  { names, source }: ClassNames,
): MatchedClasses {
  if (source === 'numbers') {
    if (names.length !== classes.length) {
      throw new FileError(
        `${weights}: the network has ${names.length} classes without names, and ${path} has ${classes.length} ` +
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
      `${path}: the network of ${weights} has no classes ${listed(unknown)}. Its classes are ${listed(names)}. ` +
        'Rename these folders, or labels of a list, or take them away.',
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
