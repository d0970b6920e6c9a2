/**
 * Finds a Python that has PyTorch, with which tests, verify and bench compare. The first `python3` on the PATH is often
 * one without (pyenv, conda), hence the list. Importing torch takes seconds, so scripts/test.ts searches once and
 * passes the answer to the workers in the environment. A test file that vitest runs alone searches itself.
 */

import { execFile, execFileSync } from 'node:child_process';

/** Set by scripts/test.ts after its search: DAWNGRAD_PYTHON then holds the answer, and if it is empty there is none. */
const CHECKED = 'DAWNGRAD_PYTHON_CHECKED';

const IMPORT_TORCH = ['-c', 'import torch'];
const TIMEOUT_MS = 120_000;

/** The reason to give when a comparison is skipped. */
export const NO_TORCH =
  'no Python with PyTorch: install it (Debian: apt-get install python3-torch python3-torchvision; elsewhere: pip install ' +
  'torch torchvision) or set DAWNGRAD_PYTHON';

let found: { python: string | undefined } | undefined;

/** The command of a Python that can `import torch`, or undefined. Each process searches once. */
export function findTorchPython(): string | undefined {
  found ??= { python: process.env[CHECKED] === '1' ? fromEnvironment() : candidates().find(canImportTorch) };
  return found.python;
}

/** Searches without blocking, and returns the variables that let findTorchPython() in a child answer at once. */
export async function torchPythonEnvironment(): Promise<{ DAWNGRAD_PYTHON: string; DAWNGRAD_PYTHON_CHECKED: '1' }> {
  for (const python of candidates()) {
    const works = await new Promise<boolean>((resolve) => {
      execFile(python, IMPORT_TORCH, { timeout: TIMEOUT_MS }, (error) => resolve(error === null));
    });
    if (works) return { DAWNGRAD_PYTHON: python, [CHECKED]: '1' };
    if (python === fromEnvironment()) {
      process.stderr.write(`DAWNGRAD_PYTHON=${python} cannot \`import torch\`; looking for another Python\n`);
    }
  }
  return { DAWNGRAD_PYTHON: '', [CHECKED]: '1' };
}

function candidates(): string[] {
  const named = fromEnvironment();
  const usual = ['/usr/bin/python3', 'python3', '/usr/local/bin/python3', '/opt/homebrew/bin/python3', 'python'];
  return [...new Set(named === undefined ? usual : [named, ...usual])];
}

function fromEnvironment(): string | undefined {
  return process.env.DAWNGRAD_PYTHON || undefined;
}

function canImportTorch(python: string): boolean {
  try {
    execFileSync(python, IMPORT_TORCH, { stdio: 'ignore', timeout: TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}
