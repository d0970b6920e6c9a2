/** The documents name only files that exist. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** Links to other files, and pictures, that lead nowhere. */
function deadLinks(text: string, folder: string): string[] {
  const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)|src="([^"]+)"/g)].map(([, link, picture]) => link ?? picture!);
  return links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(folder, link)));
}

const all = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)));

test('links of the documents lead to files that exist', () => {
  const found = all.flatMap((path) => {
    const file = join(root, path);
    return deadLinks(readFileSync(file, 'utf8'), dirname(file)).map((link) => `${path}: ${link}`);
  });
  expect(found).toEqual([]);
});

test('files that the documents name exist', () => {
  // The notes tell the history, with files of that time.
  const documents = all.filter((path) => /^(\w+|docs\/.*)\.md$/.test(path));
  expect(documents.length).toBeGreaterThan(5);
  const found = documents.flatMap((path) =>
    missing(readFileSync(join(root, path), 'utf8')).map((name) => `${path}: ${name}`),
  );
  expect(found).toEqual([]);
});

test('a file that is not there is found', () => {
  const text = '[a](docs.test.ts#b) [c](https://example.org) [d](no.md) <img src="no.png">';
  expect(deadLinks(text, join(root, 'test'))).toEqual(['no.md', 'no.png']);
  expect(missing('In `src/no-such.ts`, beside `src/engine.ts` and `test/FAMILY.test.ts`.')).toEqual(['src/no-such.ts']);
});
