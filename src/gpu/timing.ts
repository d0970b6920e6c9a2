/** The measured time of one dispatch. */

/** One dispatch: its kernel and its duration on the device in milliseconds, in submission order. */
export interface KernelTiming {
  /** Name of the kernel. */
  readonly kernel: string;
  /** The dispatch's label, for instance a shape; empty if it has none. */
  readonly label: string;
  readonly ms: number;
}
