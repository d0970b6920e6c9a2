/** Passing values past TypeScript's checks. */

/** Passes a value whose type TypeScript would refuse, as plain JavaScript could, so that the run-time check is reached. */
// biome-ignore lint/suspicious/noExplicitAny: takes the place of any type
export function untyped<T = any>(value: unknown): T {
  return value as T;
}
