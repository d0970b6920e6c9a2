/** Tells which files and folders among the pictures are none. */
import { printableName } from '../data/index.ts';

const NAMES_SHOWN = 3;

/** A line that counts the paths and names some; no line if there is none. */
export function leftOutLines(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const names = paths.slice(0, NAMES_SHOWN).map(printableName).join(', ');
  const more = paths.length > NAMES_SHOWN ? ', …' : '';
  return [`Left out: ${paths.length} hidden folders and ._ files, which are no pictures: ${names}${more}`];
}
