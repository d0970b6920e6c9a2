/** Bundles a module that uses the package, as a page would be built, and looks for what a page may forbid. */
import { type BuildResult, build, type Metafile } from 'esbuild';

/** A module and all that it imports, in one file. */
export interface Bundle {
  readonly code: string;
  readonly warnings: readonly string[];
  /** Files that went into it, by what esbuild calls them, and the packages that are left to be imported. */
  readonly inputs: readonly string[];
  readonly external: readonly string[];
}

/**
 * Bundles a module. For a browser everything has to be there, and nothing of Node is.
 * @param contents of the module, which imports by names that resolve from `folder`
 * @throws Error, esbuild's, where an import cannot be resolved
 */
export async function bundle(
  folder: string,
  contents: string,
  { platform = 'browser', minify = false }: { readonly platform?: 'browser' | 'node'; readonly minify?: boolean } = {},
): Promise<Bundle> {
  const { outputFiles, warnings, metafile }: BuildResult<{ write: false; metafile: true }> = await build({
    stdin: { contents, resolveDir: folder, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform,
    target: 'es2022',
    minify,
    write: false,
    metafile: true,
    logLevel: 'silent',
    // A binary: Node loads it, whoever bundles.
    external: platform === 'node' ? ['webgpu'] : [],
  });
  return {
    code: outputFiles[0]!.text,
    warnings: warnings.map(({ text }) => text),
    inputs: Object.keys(metafile.inputs),
    external: externalsOf(metafile),
  };
}

function externalsOf({ outputs }: Metafile): string[] {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  return [...new Set(imports.filter(({ external }) => external).map(({ path }) => path))].sort();
}

/**
 * Places at which a program makes code of text, which a content security policy may forbid: `eval`, `Function` (it may be called
 * by another name later), strings for timers. Methods of such names do not count, as a network's `eval()`.
 */
export function evaluations(code: string): string[] {
  const patterns = [
    /(?<![\w$.])eval\b(?=\s*[(),;=\]])(?!\s*\(\)\s*\{)/g,
    /\b(?:globalThis|window|self)\s*(?:\.\s*eval\b|\[\s*["']eval["'])/g,
    /(?<![\w$.])Function\b/g,
    /\}\s*\)?\s*\.constructor\b/g,
    /\bset(?:Timeout|Interval)\s*\(\s*["'`]/g,
    /\bimport\s*\(\s*["'`](?:data|blob):/g,
  ];
  return patterns.flatMap((pattern) =>
    Array.from(code.matchAll(pattern), ({ index }) => code.slice(Math.max(0, index - 30), index + 60)),
  );
}
