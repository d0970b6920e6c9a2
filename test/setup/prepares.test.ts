/** When `prepare` builds the package. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { prepares } from '../../scripts/setup/prepares.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'dawngrad-prepares-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const [root, app] = [join(scratch, 'checkout'), join(scratch, 'app')];
const built = join(root, 'dist', 'kernels', 'templates.js');

beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  for (const folder of ['src/cli', 'shaders', 'docs']) mkdirSync(join(root, folder), { recursive: true });
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'src/cli/main.ts', 'shaders/a.wgsl']) {
    writeFileSync(join(root, name), '');
  }
  mkdirSync(app, { recursive: true });
});

test.each([
  ['npm install in a checkout', { INIT_CWD: root }, false],
  ['npm install in a folder of a checkout', { INIT_CWD: join(root, 'docs') }, false],
  ['a package manager that says nothing', {}, false],
  ['npm install of a git address: in the clone', { INIT_CWD: root, _PACOTE_NO_PREPARE_: 'git+file:///clone' }, true],
  ['before the clone is packed, or for a checkout that is linked', { INIT_CWD: app }, true],
])('%s', (_, env, expected) => {
  expect(prepares(root, env)).toBe(expected);
});

test('a build that is newer than its sources stays', () => {
  mkdirSync(join(root, 'dist', 'kernels'), { recursive: true });
  writeFileSync(built, '');
  expect(prepares(root, { INIT_CWD: app })).toBe(false);
  const later = new Date(Date.now() + 10_000);
  utimesSync(join(root, 'src/cli/main.ts'), later, later);
  expect(prepares(root, { INIT_CWD: app })).toBe(true);
});
