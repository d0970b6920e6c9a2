/**
 * Divides pictures into train and val where nobody has. The order in which pictures come to val is that of a hash of the
 * seed and their names: it needs no random generator, does not depend on the order of the files, and a new picture moves
 * few of the others.
 */
import { createHash } from 'node:crypto';
import { FileError } from '../../errors.ts';
import { byCodePoint } from '../image-folder.ts';
import type { AlikeGroup } from './alike.ts';

/** The default share of val. */
export const DEFAULT_VAL_SPLIT = 0.2;

/** The pictures to divide. */
export interface SplitRequest {
  /** For messages. */
  readonly root: string;
  readonly classes: readonly string[];
  /** The names of the pictures below the root, the same on every system; and their labels. */
  readonly names: readonly string[];
  readonly labels: readonly number[];
  /** Pictures that must stay on one side. */
  readonly alike: readonly AlikeGroup[];
  /** The share of val, above 0 and below 1. */
  readonly fraction: number;
  readonly seed: number;
}

/** Who is in val. */
export interface Split {
  readonly isVal: readonly boolean[];
  /** Classes of which all pictures look alike, so that some are on either side all the same. */
  readonly torn: readonly string[];
}

/**
 * Divides each class by the fraction, rounded, with one picture or more on either side. Pictures that look alike stay on
 * one side, also across classes, so that val asks for nothing that was learnt by heart. Groups that would give a class
 * more than its share stay in train.
 * @throws FileError if a class has fewer than two pictures
 */
export function splitPictures(request: SplitRequest): Split {
  const { root, classes, names, labels, fraction, seed } = request;
  const sizes = countOf(classes, labels);
  const single = classes.filter((_, label) => sizes[label]! < 2);
  if (single.length > 0) {
    throw new FileError(
      `${root}: expected two or more pictures of each class, one to train on and one to judge by, found ` +
        `${single.map((name) => `${sizes[classes.indexOf(name)]} of ${name}`).join(', ')}. Add pictures, or divide ` +
        'them yourself into train/ and val/.',
    );
  }
  const wanted = sizes.map((size) => Math.min(size - 1, Math.max(1, Math.round(size * fraction))));
  const rank = names.map((name) => createHash('sha256').update(`${seed}\0${name}`).digest('hex'));
  const inOrder = (a: number, b: number) => byCodePoint(rank[a]!, rank[b]!);
  const groups = groupsOf(request).map((group) => group.sort(inOrder));
  groups.sort(([a], [b]) => inOrder(a!, b!));
  const isVal = names.map(() => false);
  const found = sizes.map(() => 0);
  const take = (group: readonly number[]) => {
    for (const index of group) {
      isVal[index] = true;
      found[labels[index]!]!++;
    }
  };
  const fits = (group: readonly number[], limits: readonly number[]) => {
    const more = countOf(
      classes,
      group.map((index) => labels[index]!),
    );
    return more.every((count, label) => found[label]! + count <= limits[label]!);
  };
  for (const group of groups) if (fits(group, wanted)) take(group);
  // A class of few, large groups may have got none: its smallest, as long as each class keeps some for train.
  const most = sizes.map((size) => size - 1);
  const torn: string[] = [];
  classes.forEach((name, label) => {
    if (found[label]! > 0) return;
    const own = groups.filter((group) => group.some((index) => labels[index] === label));
    const smallest = own.sort((a, b) => a.length - b.length).find((group) => fits(group, most));
    if (!smallest) torn.push(name);
    const alone = names.map((_, index) => index).filter((index) => labels[index] === label);
    take(smallest ?? alone.sort(inOrder).slice(0, wanted[label]));
  });
  return { isVal, torn };
}

function countOf(classes: readonly string[], labels: readonly number[]): number[] {
  const counts = classes.map(() => 0);
  for (const label of labels) counts[label]!++;
  return counts;
}

/** The groups, and a group of its own for each picture that is in none. */
function groupsOf({ names, alike }: SplitRequest): number[][] {
  const grouped = new Set(alike.flatMap(({ indices }) => indices));
  const alone = names.map((_, index) => index).filter((index) => !grouped.has(index));
  return [...alike.map(({ indices }) => [...indices]), ...alone.map((index) => [index])];
}
