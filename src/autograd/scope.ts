/**
 * Scopes free intermediate tensors. Every tensor made inside `scope(fn)` is disposed at its end, except those that `fn`
 * returns: they belong to the enclosing scope, if there is one. What backward needs the tape keeps by itself.
 */

/** What scopes manage: tensors, without knowing their class (which would be a circular import). */
interface Disposable {
  dispose(): void;
}

const scopes: Set<Disposable>[] = [];

/** Runs `fn` and disposes the tensors it made, except the returned ones (a tensor, or an array or record of them). */
export function scope<T>(fn: () => T): T {
  const own = new Set<Disposable>();
  scopes.push(own);
  let result: T | undefined;
  try {
    result = fn();
    if (result instanceof Promise)
      throw new TypeError('scope() takes a synchronous function: awaiting inside it would mix scopes.');
    return result;
  } finally {
    scopes.pop();
    for (const kept of tensorsIn(result)) {
      if (own.delete(kept)) adopt(kept);
    }
    for (const tensor of own) tensor.dispose();
  }
}

/** Registers a new tensor with the innermost scope. */
export function adopt(tensor: Disposable): void {
  scopes.at(-1)?.add(tensor);
}

/** Takes a tensor out of every scope: it lives until it is disposed by hand. Parameters and gradients are kept so. */
export function keep<T extends Disposable>(tensor: T): T {
  for (const own of scopes) own.delete(tensor);
  return tensor;
}

function* tensorsIn(value: unknown): Generator<Disposable> {
  if (typeof value !== 'object' || value === null) return;
  if ('dispose' in value) yield value as Disposable;
  else for (const item of Object.values(value)) yield* tensorsIn(item);
}
