/** What is known of one dispatch when it has been timed. */

/** One dispatch: which kernel, how long on the device in milliseconds, in submission order. */
export interface KernelTiming {
  /** Name of the kernel. */
  readonly kernel: string;
  /** What was said of this dispatch, for instance a shape; empty where nothing was. */
  readonly label: string;
  readonly ms: number;
}
