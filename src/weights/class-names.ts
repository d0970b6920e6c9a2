/**
 * Class names beside the tensors of a .pth: a list under `classes`, or a map from names to numbers under
 * `class_to_idx`, as torchvision's ImageFolder gives them. They may lie in the dict of the hyper-parameters.
 */

import { MOST_METADATA } from './limits.ts';
import { PickleDict, PickleTuple, type PickleValue } from './pickle-values.ts';
import type { Checkpoint } from './types.ts';

/** The entry of `Checkpoint.metadata` with the names, as a JSON array. */
export const CLASSES_KEY = 'classes';
const INDEX_KEY = 'class_to_idx';
/** Lightning's dict, and those of other scripts. */
const CONTAINERS: readonly string[] = ['hyper_parameters', 'hparams', 'config', 'args', 'meta'];

/** Whether an entry beside tensors holds class names, and is no mistake. */
export function isClassesKey(key: PickleValue): boolean {
  return key === CLASSES_KEY || key === INDEX_KEY;
}

/**
 * @param dicts the dicts around the tensors; the last has the first say
 * @returns the names in the order of the network's outputs; undefined without any
 */
export function findClassNames(dicts: readonly PickleDict[]): string[] | undefined {
  for (const dict of [...dicts].reverse()) {
    const nested = CONTAINERS.map((key) => dict.entries.get(key)).filter((value) => value instanceof PickleDict);
    for (const one of [dict, ...nested]) {
      const names = namesOf(one.entries.get(CLASSES_KEY)) ?? namesByIndex(one.entries.get(INDEX_KEY));
      if (names !== undefined) return names;
    }
  }
  return undefined;
}

/**
 * The class names in a checkpoint's metadata: a JSON array under `classes`, as this program writes it, or an object
 * under `class_to_idx`.
 * @returns undefined if there are none; other programs may use these keys for anything
 */
export function namedClasses({ metadata }: Checkpoint): string[] | undefined {
  const names = parsed(metadata[CLASSES_KEY]);
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) return names;
  const byIndex = parsed(metadata[INDEX_KEY]);
  const isMap = typeof byIndex === 'object' && byIndex !== null && !Array.isArray(byIndex);
  return isMap ? orderByIndex(new Map(Object.entries(byIndex))) : undefined;
}

/** Longer text is not parsed: a hostile one would take seconds. */
function parsed(text = 'null'): unknown {
  try {
    return text.length > MOST_METADATA ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A list or tuple of strings. It may repeat one long string, so all together have a limit. */
function namesOf(value: PickleValue | undefined): string[] | undefined {
  const items = value instanceof PickleTuple ? value.items : value;
  if (!Array.isArray(items) || items.length === 0) return undefined;
  let length = 0;
  for (const item of items) {
    if (typeof item !== 'string') return undefined;
    length += item.length + 1;
    if (length > MOST_METADATA) return undefined;
  }
  return [...items] as string[];
}

/** A map from names to all numbers from 0 on. */
function namesByIndex(value: PickleValue | undefined): string[] | undefined {
  if (!(value instanceof PickleDict)) return undefined;
  const names = orderByIndex(value.entries);
  return names && namesOf(names);
}

/** @returns the names in the order of their numbers; undefined unless these are 0, 1, 2, … */
function orderByIndex(entries: ReadonlyMap<unknown, unknown>): string[] | undefined {
  const names: string[] = new Array(entries.size).fill(undefined);
  for (const [name, index] of entries) {
    if (typeof name !== 'string' || !Number.isInteger(index)) return undefined;
    if (!((index as number) in names) || names[index as number] !== undefined) return undefined;
    names[index as number] = name;
  }
  return names.length > 0 ? names : undefined;
}
