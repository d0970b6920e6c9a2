/** How a skipped test carries its reason in its title: written by skip.ts, read by `npm test` when it lists the skips. */

const MARK = '[skipped: ';

/** The title of a test that is skipped for this reason. */
export function skippedTitle(name: string, reason: string): string {
  return `${name} ${MARK}${reason}]`;
}

/** Name and reason in a title made by skippedTitle(). */
export function readSkippedTitle(title: string): { name: string; reason: string } | undefined {
  const start = title.lastIndexOf(MARK);
  if (start < 0 || !title.endsWith(']')) return undefined;
  return { name: title.slice(0, start).trimEnd(), reason: title.slice(start + MARK.length, -1) };
}
