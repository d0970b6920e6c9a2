/**
 * Lists the exports of an entry, and which of them have no docstring. The source is TypeScript's own API, which is
 * still unstable, so only this file uses it.
 */
import { join } from 'node:path';
import { API, type Checker, type Symbol as Exported, ModifierFlags, SymbolFlags } from 'typescript/unstable/sync';
import { ROOT } from './tools.ts';

/** Methods and accessors. Fields often need no docstring. */
const CALLABLE = SymbolFlags.Method | SymbolFlags.Accessor;
const HIDDEN = ModifierFlags.Private | ModifierFlags.Protected | ModifierFlags.Override;

export interface Exports {
  /** Sorted, types included. */
  readonly names: readonly string[];
  /** Names without a docstring, such as `Tensor.view`. */
  readonly undocumented: readonly string[];
  /** The file, relative to the root, that declares each name. */
  readonly declaredIn: ReadonlyMap<string, string>;
}

/** Folders and files that no entry exports: commands, downloads, set-up, and internals of the engine. */
const INTERNAL = /^src\/(cli|fetch|driver|demo|plan|pictures)\/|^src\/gpu\/(?!(gpu|dawn|browser|errors)\.ts$)/;

/** Exports that only this package may use, with their files. */
export function internalNames({ declaredIn }: Pick<Exports, 'declaredIn'>): string[] {
  return [...declaredIn].filter(([, path]) => INTERNAL.test(path)).map(([name, path]) => `${name} of ${path}`);
}

/** The exports of files of this project, given relative to its root. */
export function exportsOf<File extends string>(files: readonly File[]): Record<File, Exports> {
  const api = new API();
  try {
    const config = join(ROOT, 'tsconfig.json');
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    return Object.fromEntries(
      files.map((file) => {
        const source = project?.program.getSourceFile(join(ROOT, file));
        const module = source && project?.checker.getSymbolAtLocation(source);
        if (!project || !module) throw new Error(`${file} is no module of ${config}; name one that exports something`);
        return [file, exportsOfModule(project.checker, project.checker.getExportsOfModule(module))];
      }),
    ) as Record<File, Exports>;
  } finally {
    api.close();
  }
}

function exportsOfModule(checker: Checker, exported: readonly Exported[]): Exports {
  const declaredIn = exported.map((one): [string, string] => {
    const path = resolve(checker, one).declarations[0]?.path ?? '';
    return [one.name, path.slice(path.lastIndexOf('/src/') + 1)];
  });
  return {
    names: exported.map(({ name }) => name).sort(),
    undocumented: undocumented(checker, exported).sort(),
    declaredIn: new Map(declaredIn),
  };
}

const resolve = (checker: Checker, one: Exported) =>
  one.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;

function undocumented(checker: Checker, exported: readonly Exported[]): string[] {
  const bare = (symbol: Exported) =>
    checker.getDocumentationCommentOfSymbol(symbol).trim() === '' && checker.getJsDocTagsOfSymbol(symbol).length === 0;
  return exported.flatMap((one) => {
    const symbol = resolve(checker, one);
    const members = [
      ...symbol.getMembers().values(),
      ...(symbol.flags & SymbolFlags.Class ? symbol.getExports().values() : []),
    ];
    const callable = members.filter((member) => member.flags & CALLABLE && isPublic(member));
    return [
      ...(bare(symbol) ? [symbol.name] : []),
      ...callable.filter(bare).map((member) => `${symbol.name}.${member.name}`),
    ];
  });
}

function isPublic({ name, declarations }: Exported): boolean {
  if (name.startsWith('#') || name.startsWith('__')) return false;
  return !declarations.some((handle) => {
    const declaration = handle.resolve();
    return declaration && 'modifierFlags' in declaration && (declaration.modifierFlags as ModifierFlags) & HIDDEN;
  });
}
