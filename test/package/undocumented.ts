// For documented.test.ts: exports with and without docstrings.

class Base {
  inherited(): void {}
}

export class Bare extends Base {
  readonly field = 1;
  #hidden = 2;

  get value(): number {
    return this.#hidden;
  }

  method(): void {
    this.secret();
  }

  /** Told. */
  told(): void {}

  static make(): Bare {
    return new Bare();
  }

  override inherited(): void {}

  private secret(): void {}
}

export interface BareInterface {
  method(): void;
  /** Told. */
  told(): void;
}

export type BareType = number;

export const bareConstant = 1;

export function bareFunction(): void {}

/** Told. */
export function told(): void {}

/** @throws RangeError always */
export function toldByTags(): void {
  throw new RangeError();
}
