/** The output stream of a command; `isTTY` marks a terminal. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Characters in a row of the terminal. */
  readonly columns?: number;
}
