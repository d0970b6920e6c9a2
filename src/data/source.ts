/** A picture whose header was read. */
export interface Source {
  /** As decoding will give it, pixels. */
  readonly width: number;
  readonly height: number;
  /** Whether decoding turns or mirrors the stored pixels. */
  readonly isTurned?: boolean;
  /** Decodes to interleaved RGB, width·height·3 bytes. */
  decode(): Promise<Uint8Array>;
}
