/** Groups of pictures that are copies of each other, or look alike. */
import type { PictureFacts } from './facts.ts';
import { lookAlike, MOST_COLOUR } from './signature.ts';

/** More pictures are not compared one with another, which would take minutes: only equal files are found. */
export const MOST_COMPARED = 20_000;

/** A group of two or more pictures, by index, in order. */
export interface AlikeGroup {
  readonly indices: readonly number[];
  /** Whether all are the same file, byte for byte. */
  readonly isExact: boolean;
}

/**
 * Finds the groups. A picture that looks like one of a group belongs to it, so the two ends of a series may differ.
 * @param facts of each picture; undefined for those that could not be read, which belong to no group
 */
export function findAlike(facts: readonly (PictureFacts | undefined)[], most = MOST_COMPARED): AlikeGroup[] {
  const parent = facts.map((_, index) => index);
  const rootOf = (index: number): number => {
    let at = index;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  const join = (a: number, b: number) => {
    const [first, second] = [rootOf(a), rootOf(b)].sort((x, y) => x - y) as [number, number];
    parent[second] = first;
  };
  const firstOf = new Map<string, number>();
  /** One picture of each file, as the others are in its group already. */
  const distinct: number[] = [];
  facts.forEach((one, index) => {
    if (!one) return;
    const first = firstOf.get(one.sha256);
    if (first !== undefined) join(first, index);
    else {
      firstOf.set(one.sha256, index);
      distinct.push(index);
    }
  });
  if (distinct.length <= most) joinAlike(distinct, facts, join);
  const groups = new Map<number, number[]>();
  facts.forEach((one, index) => {
    if (!one) return;
    const root = rootOf(index);
    groups.set(root, [...(groups.get(root) ?? []), index]);
  });
  return [...groups.values()]
    .filter((indices) => indices.length > 1)
    .map((indices) => ({ indices, isExact: new Set(indices.map((index) => facts[index]!.sha256)).size === 1 }));
}

/** Compares each with each, but for those whose mean colours are too far apart to look alike. */
function joinAlike(
  indices: readonly number[],
  facts: readonly (PictureFacts | undefined)[],
  join: (a: number, b: number) => void,
): void {
  const sorted = indices
    .map((index) => ({ index, signature: facts[index]!.signature }))
    .sort((a, b) => a.signature.mean - b.signature.mean || a.index - b.index);
  sorted.forEach(({ index, signature }, i) => {
    for (let k = i + 1; k < sorted.length; k++) {
      const other = sorted[k]!;
      if (other.signature.mean - signature.mean > MOST_COLOUR) break;
      if (lookAlike(signature, other.signature)) join(index, other.index);
    }
  });
}
