/**
 * What an entry exports, and what of it has no docstring. TypeScript itself says so; its interface for that is young, and used in
 * this file only.
 */
import { join } from 'node:path';
import { API, type Checker, type Symbol as Exported, ModifierFlags, SymbolFlags } from 'typescript/unstable/sync';
import { ROOT } from './tools.ts';

/** Methods and accessors; fields are often plain enough without words. */
const CALLABLE = SymbolFlags.Method | SymbolFlags.Accessor;
const HIDDEN = ModifierFlags.Private | ModifierFlags.Protected | ModifierFlags.Override;

export interface Exports {
  /** Sorted; types too. */
  readonly names: readonly string[];
  /** What has no docstring, such as `Tensor.view`. */
  readonly undocumented: readonly string[];
  /** The file, relative to the root, that declares each name. */
  readonly declaredIn: ReadonlyMap<string, string>;
}

/** Folders and files of which no entry exports anything: commands, what they fetch and install, and the engine's insides. */
const INTERNAL = /^src\/(cli|fetch|driver|demo|plan|pictures)\/|^src\/gpu\/(?!(gpu|dawn|browser|errors)\.ts$)/;

/** Exports that only this package should use, with their files. */
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
        if (!project || !module) throw new Error(`${file}: no module of ${config}`);
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
