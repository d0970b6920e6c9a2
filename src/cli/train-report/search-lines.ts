/** What a search of the learning rate found, in words. */
import { join } from 'node:path';
import { SEARCH_FILES, type SearchResult } from '../../train/index.ts';
import { called } from '../called.ts';

/** `0.0023`, with two digits. */
const rounded = (rate: number) => String(Number(rate.toPrecision(2)));

/** The answer, for stdout. */
export function searchAnswer({ suggested }: SearchResult): string {
  return suggested === null
    ? 'No learning rate is suggested: the loss fell at none.'
    : `Suggested learning rate: ${rounded(suggested)}`;
}

/**
 * How it was found, and how to go on.
 * @param flags of the search, without its own
 */
export function searchNotes(result: SearchResult, flags: readonly string[]): string[] {
  const { suggested, steepest, diverged, points, folder } = result;
  const values = `Losses and rates: ${join(folder, SEARCH_FILES.values)}`;
  if (suggested === null || steepest === null) {
    return [
      'Are the labels right, and do the weights fit the pictures? More pictures a step (--batch-size) make the losses steadier.',
      values,
    ];
  }
  return [
    `It stands half-way down the longest fall of the loss, over ${points.length} steps; it fell fastest at ${rounded(steepest)}.`,
    ...(diverged ? [] : ['The loss did not explode up to the last rate, so a larger one may do as well.']),
    values,
    'No weights were kept. Train with this rate:',
    `  ${called('train')} ${[...flags, '--lr', rounded(suggested)].map(quoted).join(' ')}`,
  ];
}

/** As a POSIX shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
