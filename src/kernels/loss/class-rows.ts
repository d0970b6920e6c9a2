/** What the losses of rows with a class index have in common. */

/** Scores [N, classes, inner], one row of classes for each of the N · inner labels. */
export interface ClassRows {
  /** N · inner. */
  readonly rows: number;
  readonly classes: number;
  readonly inner: number;
}

/** How the classes count. */
export interface ClassOptions {
  /** Rows with this label do not count. */
  readonly ignoreIndex: number | undefined;
}

/** The uniforms of the kernels. */
export function rowUniforms({ rows, classes, inner }: ClassRows, { ignoreIndex }: ClassOptions) {
  return { rows, classes, inner, ignores: ignoreIndex === undefined ? 0 : 1, ignored: ignoreIndex ?? 0 };
}
