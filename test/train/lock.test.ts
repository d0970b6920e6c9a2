/** Of several processes that want a run folder at the same moment, one gets it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { lockFolder } from '../../src/train/lock.ts';
import { makeRunFolder, RunFolder } from '../../src/train/run-folder.ts';
import { temporaryFolder } from './support.ts';

const root = temporaryFolder();
const LOCK = '.lock';
const ROUNDS = 150;
/** Both have read their message by then, milliseconds. */
const AHEAD = 4;

const script = fileURLToPath(new URL('lock-process.ts', import.meta.url));
const start = () => fork(script, { execArgv: ['--import', 'tsx'] });
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill();
});

async function ask(message: object): Promise<unknown[]> {
  return Promise.all(
    children.map(async (child) => {
      const answer = once(child, 'message');
      child.send(message);
      return (await answer)[0];
    }),
  );
}

test.each([
  ['a free folder', undefined],
  ['a folder with the lock of a dead process', `999999999 ${hostname()}\n`],
])('%s goes to one of two processes', async (name, stale) => {
  while (children.length < 2) children.push(start());
  await ask({});
  const folder = join(root, name.replaceAll(' ', '-'));
  mkdirSync(folder);
  for (let round = 0; round < ROUNDS; round++) {
    if (stale !== undefined) writeFileSync(join(folder, LOCK), stale);
    const answers = await ask({ folder, at: performance.timeOrigin + performance.now() + AHEAD });
    expect(answers.sort(), `round ${round}`).toEqual(['got', 'refused']);
    await ask({});
    expect(readdirSync(folder)).toEqual([]);
  }
});

test('a lock that a crash left without a name is taken over', () => {
  const folder = join(root, 'nameless');
  mkdirSync(folder);
  writeFileSync(join(folder, LOCK), '');
  const unlock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(`process ${process.pid} on ${hostname()} is training here`);
  unlock();
  expect(readdirSync(folder)).toEqual([]);
  // The second time it must not free what was locked anew.
  const again = lockFolder(folder);
  unlock();
  expect(readdirSync(folder)).toEqual([LOCK]);
  again();
});

test('a run folder that nothing was written to goes away with the folders above that it made', () => {
  const path = join(root, 'a', 'b', 'c');
  new RunFolder(path).close();
  expect(readdirSync(root)).not.toContain('a');
  const kept = new RunFolder(path);
  kept.writeConfig({ dawngrad: '0' });
  kept.close();
  expect(readdirSync(path)).toEqual(['config.json']);
});

test('two runs of the same second have two folders', () => {
  const now = new Date(2026, 0, 2, 3, 4, 5);
  const parent = join(root, 'runs');
  const made = [makeRunFolder('extract', now, parent), makeRunFolder('extract', now, parent)];
  expect(made.map(({ path }) => path)).toEqual(['', '-2'].map((end) => join(parent, `20260102-030405-extract${end}`)));
  for (const { removeEmpty } of made.reverse()) removeEmpty();
  expect(readdirSync(root)).not.toContain('runs');
});

test('what cannot be swept stays, and the folder is used', () => {
  const folder = join(root, 'unswept');
  // A folder where a file of a dead process would be.
  const inside = '.dawngrad-999999999-0123456789ab.tmp';
  mkdirSync(join(folder, inside), { recursive: true });
  new RunFolder(folder).close();
  expect(readdirSync(folder)).toEqual([inside]);
});
