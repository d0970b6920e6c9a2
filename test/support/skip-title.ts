/** A skipped test carries its reason in its title. skip.ts writes it, and `npm test` reads it to list the skips. */

const MARK = '[skipped: ';

/** Makes the title of a test that is skipped for this reason. */
export function skippedTitle(name: string, reason: string): string {
  return `${name} ${MARK}${reason}]`;
}

/** Reads name and reason from a title made by skippedTitle(). */
export function readSkippedTitle(title: string): { name: string; reason: string } | undefined {
  const start = title.lastIndexOf(MARK);
  if (start < 0 || !title.endsWith(']')) return undefined;
  return { name: title.slice(0, start).trimEnd(), reason: title.slice(start + MARK.length, -1) };
}
