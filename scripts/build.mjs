// @ts-check
/**
 * `npm run build`: compiles src/ into dist/, which the package runs: plain JavaScript, and declarations for TypeScript.
 * The templates of the shaders become functions. Files of an earlier build are removed first, so that none gets into a
 * package.
 */

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { templatesModule } from './build/templates.mjs';

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

rmSync(path('dist'), { recursive: true, force: true });
// Output goes to stderr: `npm pack --json` runs this script and needs stdout for itself.
const { status, error } = spawnSync(
  process.execPath,
  [path('node_modules/typescript/bin/tsc'), '-p', path('tsconfig.build.json')],
  { stdio: ['ignore', 2, 2] },
);
if (error) throw error;
if (status === 0) writeFileSync(path('dist/kernels/templates.js'), templatesModule(path('shaders')));
process.exitCode = status ?? 1;
