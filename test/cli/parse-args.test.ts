/** Every command reads its flags through src/cli/parse-args.ts, which sees those that npm has kept. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { importsOf } from '../support/imports.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.each(['src', 'scripts', 'verify', 'bench', 'test/fuzz'])('%s calls no other parseArgs', (folder) => {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => /\.ts$/.test(name) && name.replaceAll('\\', '/') !== 'cli/parse-args.ts');
  const texts = files.map((name) => [name, readFileSync(join(root, folder, name), 'utf8')] as const);
  const readers = texts.filter(([, text]) => /\bparseArgs\(/.test(text));
  const others = readers.filter(([, text]) => !importsOf(text).some((name) => /(^|\/)parse-args\.ts$/.test(name)));
  expect(others.map(([name]) => name)).toEqual([]);
});
