/** Golden files for the tests of src/optim. */
import { readFileSync } from 'node:fs';

/** Reads test/golden/optim/<name>.json, written by make-golden.py. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/optim/${name}.json`, import.meta.url), 'utf8'));
}
