/** The documents name only files that exist. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const IN_BACKTICKS = /`((?:src|test|shaders|bench|verify|scripts|examples|tools)\/[\w./-]+)`/g;
/** `FAMILY` and such stand for many names. */
const PLACEHOLDER = /[A-Z]{3}/;

/** Paths in a document that stand in the repository's folders and name nothing. */
function missing(text: string): string[] {
  const named = [...text.matchAll(IN_BACKTICKS)].map(([, path]) => path!);
  return named.filter((path) => !PLACEHOLDER.test(path) && !existsSync(join(root, path)));
}

test('files that the documents name exist', () => {
  const listed = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' });
  // The notes tell the history, with files of that time.
  const documents = listed.split('\0').filter((path) => /^(\w+|docs\/.*)\.md$/.test(path));
  expect(documents.length).toBeGreaterThan(5);
  const found = documents.flatMap((path) =>
    missing(readFileSync(join(root, path), 'utf8')).map((name) => `${path}: ${name}`),
  );
  expect(found).toEqual([]);
});

test('a file that is not there is found', () => {
  expect(missing('In `src/no-such.ts`, beside `src/engine.ts` and `test/FAMILY.test.ts`.')).toEqual(['src/no-such.ts']);
});
