/**
 * Everything that the package exports has a docstring, and so has every public method and accessor of it. TypeScript itself
 * says what is exported; its interface for that is young, and used in this file only.
 */
import { fileURLToPath } from 'node:url';
import { API, type Checker, type Symbol as Exported, ModifierFlags, SymbolFlags } from 'typescript/unstable/sync';
import { expect, test } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** Methods and accessors; fields are often plain enough without words. */
const CALLABLE = SymbolFlags.Method | SymbolFlags.Accessor;
const HIDDEN = ModifierFlags.Private | ModifierFlags.Protected | ModifierFlags.Override;

/** Names of what has no docstring, such as `Tensor.view`. */
function undocumented(checker: Checker, exported: readonly Exported[]): string[] {
  const bare = (symbol: Exported) =>
    checker.getDocumentationCommentOfSymbol(symbol).trim() === '' && checker.getJsDocTagsOfSymbol(symbol).length === 0;
  return exported.flatMap((one) => {
    const symbol = one.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one;
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

/** The exports of a file of this project. */
function exportsOf(file: string): { checker: Checker; exported: readonly Exported[]; close: () => void } {
  const api = new API();
  const config = path('tsconfig.json');
  const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
  const source = project?.program.getSourceFile(path(file));
  const module = source && project?.checker.getSymbolAtLocation(source);
  if (!project || !module) throw new Error(`${file}: no module of ${config}`);
  return { checker: project.checker, exported: project.checker.getExportsOfModule(module), close: () => api.close() };
}

test.each([
  ['src/index.ts', 150, ['Tensor', 'train', 'defineKernel', 'Predictor']],
  ['src/engine.ts', 60, ['Tensor', 'openGpu', 'defineKernel', 'SGD', 'resnet18']],
])('every export, public method and accessor of %s has a docstring', (file, least, some) => {
  const { checker, exported, close } = exportsOf(file);
  try {
    expect(exported.length).toBeGreaterThan(least);
    expect(exported.map(({ name }) => name)).toEqual(expect.arrayContaining(some));
    expect(undocumented(checker, exported)).toEqual([]);
  } finally {
    close();
  }
});

test('what has none is found: exports of every kind, methods, accessors, statics; nothing private or inherited', () => {
  const { checker, exported, close } = exportsOf('test/package/undocumented.ts');
  try {
    expect(undocumented(checker, exported).sort()).toEqual([
      'Bare',
      'Bare.make',
      'Bare.method',
      'Bare.value',
      'BareInterface',
      'BareInterface.method',
      'BareType',
      'bareConstant',
      'bareFunction',
    ]);
  } finally {
    close();
  }
});
