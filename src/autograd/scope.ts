/**
 * Scopes free intermediate tensors. The end of `scope(fn)` disposes every tensor made inside, except those that `fn`
 * returns. Returned tensors belong to the enclosing scope, if there is one. A graph keeps the tensors that its backward
 * needs.
 */

import { callSync } from '../gpu/call-sync.ts';
import type { Holdings } from './holdings.ts';
import { watch } from './unowned.ts';

/** A tensor as scopes see it. Importing its class would be a circular import. */
interface Owned {
  readonly holdings: Holdings;
  dispose(): void;
}

const scopes: Set<Owned>[] = [];

/**
 * Runs `fn` and disposes the tensors it made, except those in its result: a tensor, or arrays, plain objects, maps and
 * sets of tensors, nested to any depth. Any other object with a `dispose` method must `keep` its own tensors, as
 * modules and optimizers do.
 * @throws TypeError if `fn` is asynchronous, or if its result has a class in which tensors cannot be found
 */
export function scope<T>(fn: () => T): T {
  const own = new Set<Owned>();
  const returned = new Set<Owned>();
  scopes.push(own);
  try {
    const result = callSync('scope', fn);
    const opaque = own.size > 0 ? collectTensors(result, own, returned) : undefined;
    if (opaque !== undefined && own.size > returned.size) {
      returned.clear();
      throw new TypeError(
        `scope(): tensors cannot be found in a ${opaque}, which the result contains. Return tensors, or arrays, ` +
          'plain objects, maps or sets of them. keep() a tensor that something else holds.',
      );
    }
    return result;
  } finally {
    scopes.pop();
    for (const tensor of own) if (!returned.has(tensor)) tensor.dispose();
    for (const tensor of returned) adopt(tensor);
  }
}

/**
 * Adds to `found` the tensors of `own` that are reachable from `result`.
 * @returns the class of an object that may hide tensors, if there is one
 */
function collectTensors(result: unknown, own: ReadonlySet<Owned>, found: Set<Owned>): string | undefined {
  const seen = new Set<unknown>();
  const waiting: unknown[] = [result];
  let opaque: string | undefined;
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (own.has(value as Owned)) found.add(value as Owned);
    else if (value instanceof Map) waiting.push(...value.keys(), ...value.values());
    else if (value instanceof Set || Array.isArray(value)) waiting.push(...value);
    else if (isRecord(value)) waiting.push(...Object.values(value));
    else if (!isHarmless(value)) opaque ??= value.constructor?.name || 'object without a name';
  }
  return opaque;
}

function isRecord(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether the object holds no tensors, or keeps those that it holds. */
function isHarmless(value: object): boolean {
  return (
    'dispose' in value ||
    ArrayBuffer.isView(value) ||
    [ArrayBuffer, Date, RegExp, Error].some((c) => value instanceof c)
  );
}

/**
 * Gives a new tensor to the innermost scope. @throws TensorLeakError if there is none, and too many tensors live
 * outside scopes
 */
export function adopt(tensor: Owned): void {
  const innermost = scopes.at(-1);
  if (innermost) innermost.add(tensor);
  else watch(tensor, false);
}

/**
 * Takes a tensor out of every scope: it lives until it is disposed or collected. Parameters and gradients are kept this
 * way.
 */
export function keep<T extends { dispose(): void }>(tensor: T): T {
  for (const own of scopes) own.delete(tensor as unknown as Owned);
  if ('holdings' in tensor) {
    const owned = tensor as unknown as Owned;
    owned.holdings.kept = true;
    watch(owned, true);
  }
  return tensor;
}
