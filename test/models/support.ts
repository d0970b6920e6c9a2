/** Golden files for the tests of src/models, written by the make-golden files here. */
import { readFileSync } from 'node:fs';

/** Reads test/golden/models/<name>.json. */
export function goldenModels<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/models/${name}.json`, import.meta.url), 'utf8'));
}
