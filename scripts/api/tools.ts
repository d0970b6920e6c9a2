/** Installs the packages of `tools/` when a command first needs them. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from '../setup/lock.mjs';
import { installPackages, packagesProblem } from '../setup/packages.mjs';
import { say } from '../setup/say.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const TOOLS = join(ROOT, 'tools');

/** Makes tools/node_modules match its lock file. @throws SetupError if npm or the lock fails */
export function installTools(): void {
  withLock(TOOLS, () => {
    const problem = packagesProblem(TOOLS, ['@microsoft/api-extractor', 'typedoc', 'typescript']);
    if (!problem) return;
    say(`tools/: ${problem}; running npm ci there`);
    installPackages(TOOLS);
  });
}
