/** The declarations of every entry: the project's compiler writes them, and API Extractor rolls them up. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Declaration, ENTRIES, type Entry } from './report.ts';
import { ROOT, TOOLS } from './tools.ts';

/** Takes ten seconds. The packages of tools/ must be installed. */
export function currentDeclarations(): Record<Entry, readonly Declaration[]> {
  // In the checkout, because the types of Node and WebGPU are resolved from the folders above.
  const folder = mkdtempSync(join(ROOT, '.api-'));
  try {
    mkdirSync(join(folder, 'temp'));
    node(join(ROOT, 'node_modules/typescript/bin/tsc'), [
      ...['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', folder],
      ...['--emitDeclarationOnly', '--declarationMap', 'false'],
    ]);
    return JSON.parse(node(join(TOOLS, 'api.mjs'), [ROOT, folder, ...ENTRIES.map(({ file }) => file)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function node(script: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [script, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${script} ended with status ${status}:\n${stdout}${stderr}`);
  return stdout;
}
