/** A picture whose header was read. */
export interface Source {
  /** As decoding will give it, pixels. */
  readonly width: number;
  readonly height: number;
  /** Decodes to interleaved RGB, width·height·3 bytes. */
  decode(): Promise<Uint8Array>;
}
