// @ts-check
/**
 * `npm run build`: compiles src/ into dist/, which is what the package runs: plain JavaScript for Node, and declarations
 * for TypeScript. What an earlier build left there goes first, so that no file of it gets into a package.
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

rmSync(path('dist'), { recursive: true, force: true });
// On stderr: `npm pack --json` runs this, and stdout is its own.
const { status, error } = spawnSync(
  process.execPath,
  [path('node_modules/typescript/bin/tsc'), '-p', path('tsconfig.build.json')],
  { stdio: ['ignore', 2, 2] },
);
if (error) throw error;
process.exitCode = status ?? 1;
