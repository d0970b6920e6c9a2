/** The values that a pickle can hold here. Each Python type has a plain or small own type, so no two are confused. */

import { printable } from '../printable.ts';

/** A Python tuple; a list is a plain array. */
export class PickleTuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A Python dict, in insertion order. */
export class PickleDict {
  #entries: Map<PickleValue, PickleValue> | undefined;
  /** An OrderedDict: the only type that may carry attributes (torch puts `_metadata` there). They are dropped. */
  readonly ordered: boolean;
  constructor(ordered: boolean) {
    this.ordered = ordered;
  }

  /** Made when first used: a pickle of nothing but empty dicts would take 200 times its size. */
  get entries(): Map<PickleValue, PickleValue> {
    this.#entries ??= new Map();
    return this.#entries;
  }
}

/** An allowed global: the Python name of a class or function and, if callable, the meaning of a call. */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;
  constructor(name: string, call?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.call = call;
  }
}

/** Base class of the results of the caller's globals and persistent ids, such as a tensor. */
export abstract class PickleObject {
  /** Name for messages: "a tensor". */
  abstract readonly kind: string;
}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleTuple
  | PickleDict
  | PickleGlobal
  | PickleObject;

/** @returns a name of the value for messages. It never includes the contents, which may be endless. */
export function describeValue(value: PickleValue | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'boolean') return 'a boolean';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof PickleTuple) return 'a tuple';
  if (value instanceof PickleDict) return 'a dict';
  if (value instanceof PickleGlobal) return `the global ${printable(value.name)}`;
  return value.kind;
}
