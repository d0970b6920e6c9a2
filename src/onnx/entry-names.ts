/** Names in a state dict for the tensors of a file: their own, wherever modules can have them. */

/** Names in state dicts by the names of values. */
export type EntryNames = ReadonlyMap<string, string>;

/** Modules in modules: deeper names become flat. */
const DEEPEST = 24;

/**
 * A name is a path through modules, so its parts between dots are not empty, and no tensor stands where another has a
 * module. A name that is none gets underscores for its dots, and more of them behind it until it is free.
 * @param taken names that others have
 */
export function entryNamesOf(values: readonly string[], taken: readonly string[]): EntryNames {
  const tensors = new Set<string>();
  const modules = new Set<string>();
  const take = (name: string) => {
    tensors.add(name);
    for (const module of modulesOf(name)) modules.add(module);
  };
  const isFree = (name: string) =>
    !(tensors.has(name) || modules.has(name) || modulesOf(name).some((module) => tensors.has(module)));
  for (const name of taken) take(name);
  const names = new Map<string, string>();
  for (const value of values) {
    let name = isPath(value) ? value : value.replaceAll('.', '_');
    if (!isFree(name)) name = name.replaceAll('.', '_');
    while (!isFree(name)) name += '_';
    take(name);
    names.set(value, name);
  }
  return names;
}

/** Whether modules can have this name. */
export function isPath(name: string): boolean {
  const parts = name.split('.');
  return parts.length <= DEEPEST && parts.every((part) => part !== '');
}

/** `a` and `a.b` of `a.b.c`. */
function modulesOf(name: string): string[] {
  const parts = name.split('.').slice(0, DEEPEST);
  return parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('.'));
}
