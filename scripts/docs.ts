/**
 * `npm run docs`: writes the reference of the package's exports to docs/reference/, from the docstrings: HTML, a module
 * for each entry. It fails if an export has no docstring or a `{@link}` leads nowhere.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { exportsOf } from './api/exports.ts';
import { ENTRIES } from './api/report.ts';
import { installTools, ROOT, TOOLS } from './api/tools.ts';

const files = ENTRIES.map(({ file }) => `src/${file}.ts` as const);
const out = join(ROOT, 'docs', 'reference');

const bare = Object.entries(exportsOf(files)).flatMap(([file, { undocumented }]) =>
  undocumented.map((name) => `docs: ${name}, exported by ${file}, has no docstring; write one above its declaration`),
);
if (bare.length > 0) {
  console.error(bare.join('\n'));
  process.exitCode = 1;
} else {
  installTools();
  rmSync(out, { recursive: true, force: true });
  const args = [join(TOOLS, 'docs.mjs'), join(ROOT, 'tsconfig.json'), out, ...files.map((file) => join(ROOT, file))];
  // TypeDoc looks for its plugins from the current folder.
  const { status, error } = spawnSync(process.execPath, args, { cwd: TOOLS, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) console.error('docs: TypeDoc failed; fix the errors above and run `npm run docs` again');
  else console.log(`docs: ${join(out, 'index.html')}`);
  process.exitCode = status ?? 1;
}
