/** Bundles a module that uses the package, as for a web page, and looks for code that a page may forbid. */
import { type BuildResult, build, type Metafile } from 'esbuild';

/** A module and all that it imports, in one file. */
export interface Bundle {
  readonly code: string;
  readonly warnings: readonly string[];
  /** The bundled files, by esbuild's names, and the packages that the bundle still imports. */
  readonly inputs: readonly string[];
  readonly external: readonly string[];
}

/**
 * Bundles a module. A bundle for a browser must contain everything, and has nothing of Node.
 * @param contents source of the module, whose imports resolve from `folder`
 * @throws Error of esbuild if the module does not compile or an import cannot be resolved
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
    // Node must load this package itself: it is a binary.
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
 * Places where a program turns text into code, which a content security policy may forbid: `eval`, `Function`, strings
 * for timers. `Function` counts uncalled too, because it may be called by another name later. Methods with such names,
 * like a network's `eval()`, do not count.
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
