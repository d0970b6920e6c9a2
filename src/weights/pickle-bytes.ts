/** Reads the bytes of a pickle in order. It checks every length against the remaining bytes before using it. */

/** No integer in a checkpoint needs more bytes. Converting digits to a bigint takes quadratic time. */
const LONGEST_INTEGER = 64;
const LONGEST_LINE = 512;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const DAMAGED = 'the file is cut off or damaged; download or save it again';

export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: (found: string, fix: string) => never;
  #position: number;

  /** @param fail throws the owning reader's error */
  constructor(bytes: Uint8Array, start: number, fail: (found: string, fix: string) => never) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = start;
    this.#fail = fail;
  }

  get position(): number {
    return this.#position;
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Rounded above 2^53, which does not affect length checks. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** The format's only big-endian value. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** @returns a view, not a copy */
  slice(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Checks that `length` bytes follow, without consuming them. */
  expect(length: number): undefined {
    const start = this.#take(length);
    this.#position = start;
  }

  text(length: number): string {
    const bytes = this.slice(length);
    try {
      return UTF8.decode(bytes);
    } catch {
      return this.#fail('a string is not valid UTF-8', DAMAGED);
    }
  }

  /** Text up to a line feed: the module or the name of a global; always short. */
  line(): string {
    const window = this.#bytes.subarray(this.#position, this.#position + LONGEST_LINE);
    const length = window.indexOf(0x0a);
    if (length < 0) this.#fail('a global has no end or an overlong name', DAMAGED);
    const text = this.text(length);
    this.#take(1);
    return text;
  }

  /** Two's complement, little-endian. @returns a number if it is exact, else a bigint */
  integer(length: number): number | bigint {
    if (length < 0 || length > LONGEST_INTEGER) this.#fail(`an integer has ${length} bytes`, DAMAGED);
    const bytes = this.slice(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (length > 0 && bytes[length - 1]! & 0x80) value -= 1n << BigInt(8 * length);
    const narrow = Number(value);
    return Number.isSafeInteger(narrow) ? narrow : value;
  }

  /** Consumes `count` bytes. @returns their start */
  #take(count: number): number {
    const start = this.#position;
    const left = this.#bytes.length - start;
    if (count > left) this.#fail(`it ends early: ${count} bytes expected, ${left} left`, DAMAGED);
    this.#position = start + count;
    return start;
  }
}
