/** Findings in words. */
import { listed, printable } from '../../printable.ts';
import { printableName } from '../names.ts';
import type { Alike, Findings } from './findings.ts';

/** Groups of one line, and pictures of a group. */
const MOST_GROUPS = 3;
const MOST_PICTURES = 4;

/**
 * What makes a result doubtful, a sentence each: labels that contradict, copies across train and val, imbalance.
 * @param nameOf a picture's name for people
 */
export function warningsOf(
  { alike, imbalance }: Findings,
  classes: readonly string[],
  nameOf: (picture: Alike['pictures'][number]) => string,
): string[] {
  const contradicting = alike.filter(({ contradicts }) => contradicts);
  const crossing = alike.filter(({ crosses }) => crosses);
  const groups = (some: readonly Alike[]) => groupsText(some, nameOf);
  const lines: string[] = [];
  if (contradicting.length > 0) {
    lines.push(
      `Labels contradict: these are alike, but in different classes: ${groups(contradicting)}. Keep the right one.`,
    );
  }
  if (crossing.length > 0) {
    const kinds = crossing.every(({ isExact }) => isExact) ? 'the same files' : 'alike';
    lines.push(
      `Train and val share pictures, so val looks better than it is: these are ${kinds}: ${groups(crossing)}. ` +
        'Keep them on one side.',
    );
  }
  if (imbalance) {
    const { most, least } = imbalance;
    const [large, small] = [most, least].map(({ label }) => printable(classes[label]!));
    lines.push(
      `Classes are unequal: ${most.count} of ${large}, ${least.count} of ${small} to train on. Expect answers to lean to ` +
        `${large}; add pictures of ${small}, or weigh the classes (--class-weights balanced).`,
    );
  }
  return lines;
}

/** `a.jpg = b.jpg; c.jpg ~ d.jpg and 2 more`: `=` between equal files, `~` between pictures that look alike. */
export function groupsText(groups: readonly Alike[], nameOf: (picture: Alike['pictures'][number]) => string): string {
  const shown = groups.slice(0, MOST_GROUPS).map(({ pictures, isExact }) => {
    const names = pictures.slice(0, MOST_PICTURES).map((picture) => printableName(nameOf(picture)));
    const more = pictures.length - names.length;
    return names.join(isExact ? ' = ' : ' ~ ') + (more > 0 ? ` and ${more} more` : '');
  });
  const more = groups.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more.toLocaleString('en-US')} more groups` : '');
}

/** `every picture of mug looks like the others`, for classes that could not be divided well. */
export function tornLine(torn: readonly string[]): string {
  return (
    `All pictures of ${listed(torn)} look alike, so some are in train and others in val, and its accuracy says little. ` +
    'Add other pictures.'
  );
}
