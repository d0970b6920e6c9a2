/** The file of tuned choices: its answers, the adapter and engine they are for, and unusable files. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileError } from '../../src/errors.ts';
import { engineVersion } from '../../src/plan/engine-version.ts';
import { type Answer, addAnswers, type CacheKey, readAnswers, tunedPath } from '../../src/tune/cache.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-tune-'));
  path = tunedPath({ DAWNGRAD_CACHE: join(folder, 'cache') });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HERE: CacheKey = {
  adapter: { vendor: 'mesa', architecture: 'software', description: 'llvmpipe: Mesa 25.0.7' },
  engine: '0.1.0+12345678',
};
const answer = (choice: string): Answer => ({ choice, ms: { tiled: 20.5, [choice]: 1.25 } });
const answers = (works: Record<string, string>) =>
  new Map(Object.entries(works).map(([name, choice]) => [name, answer(choice)]));

/** Reads the answers and collects the notes. */
function read(key = HERE) {
  const notes: string[] = [];
  return { found: readAnswers(path, key, (text) => notes.push(text)), notes };
}

describe('answers', () => {
  test('come back as they were written; without a file there are none, and no note', () => {
    expect(read()).toEqual({ found: new Map(), notes: [] });
    addAnswers(path, HERE, answers({ a: 'rows', b: 'winograd' }));
    expect(read()).toEqual({ found: answers({ a: 'rows', b: 'winograd' }), notes: [] });
    expect(readdirSync(dirname(path))).toEqual(['tuned.json']);
  });

  test('are added to existing ones, and replace those of the same work', () => {
    addAnswers(path, HERE, answers({ a: 'rows', b: 'rows' }));
    addAnswers(path, HERE, answers({ b: 'winograd', c: 'tiled' }));
    expect(read().found).toEqual(answers({ a: 'rows', b: 'winograd', c: 'tiled' }));
  });

  test.each([
    ['vendor', { ...HERE, adapter: { ...HERE.adapter, vendor: 'google' } }],
    ['architecture', { ...HERE, adapter: { ...HERE.adapter, architecture: 'other' } }],
    ['driver version', { ...HERE, adapter: { ...HERE.adapter, description: 'llvmpipe: Mesa 25.1.0' } }],
    ['engine version', { ...HERE, engine: '0.1.0+12345679' }],
  ])('are not used for another %s, and both are kept', (_, other) => {
    addAnswers(path, HERE, answers({ a: 'rows' }));
    expect(read(other)).toEqual({ found: new Map(), notes: [] });
    addAnswers(path, other, answers({ a: 'tiled' }));
    expect(read(other).found).toEqual(answers({ a: 'tiled' }));
    expect(read().found).toEqual(answers({ a: 'rows' }));
  });
});

describe('a file that cannot be used', () => {
  const good = JSON.stringify({
    format: 'dawngrad tuned kernels 1',
    entries: [{ ...HERE, works: { a: answer('rows') } }],
  });
  const cases: [string, string][] = [
    ['is cut off', good.slice(0, -20)],
    ['is empty', ''],
    ['is another program’s', '{"kernels": {"a": "rows"}}'],
    ['has a later version', good.replace('kernels 1', 'kernels 2')],
    ['is a list', '[]'],
    ['has an entry without works', good.replace('"works"', '"work"')],
    ['has an entry without a vendor', good.replace('"vendor"', '"seller"')],
    ['has an answer without a choice', good.replace('"choice":"rows"', '"choice":7')],
    ['has invalid times', good.replace('20.5', '"fast"')],
  ];

  test('but the same file undamaged can be used', () => {
    mkdirSync(dirname(path));
    writeFileSync(path, good);
    expect(read()).toEqual({ found: answers({ a: 'rows' }), notes: [] });
  });

  test.each(cases)('%s: it is ignored with a note that names it, and moved aside when answers are added', (_, text) => {
    mkdirSync(dirname(path));
    for (const number of [1, 2]) {
      writeFileSync(path, text);
      const { found, notes } = read();
      expect(found.size).toBe(0);
      expect(notes).toEqual([expect.stringMatching(/^.+tuned\.json: is (damaged|not a file of tuned).+ ignored/)]);
      expect(readFileSync(path, 'utf8')).toBe(text);
      addAnswers(path, HERE, answers({ b: 'tiled' }));
      expect(read()).toEqual({ found: answers({ b: 'tiled' }), notes: [] });
      expect(readFileSync(`${path}.unusable-${number}`, 'utf8')).toBe(text);
    }
  });

  test('is a folder: it is ignored too', () => {
    mkdirSync(path, { recursive: true });
    expect(read()).toEqual({ found: new Map(), notes: [expect.stringMatching(/cannot be read/)] });
  });

  test('because its folder is a file is an error that says so', () => {
    writeFileSync(join(folder, 'cache'), '');
    const add = () => addAnswers(path, HERE, answers({ a: 'rows' }));
    expect(add).toThrow(FileError);
    expect(add).toThrow(/tuned\.json: cannot be written .+DAWNGRAD_CACHE/);
  });
});

describe('engineVersion', () => {
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };

  test('changes with the package’s version and with every shader', () => {
    write('package.json', '{"version": "1.2.3"}');
    write('shaders/a.wgsl', 'fn a() {}');
    write('shaders/parts/b.wgsl', 'fn b() {}');
    const first = engineVersion(folder);
    expect(first).toMatch(/^1\.2\.3\+[0-9a-f]{8}$/);
    expect(engineVersion(folder)).toBe(first);
    write('shaders/parts/b.wgsl', 'fn b() { }');
    const second = engineVersion(folder);
    write('package.json', '{"version": "1.2.4"}');
    expect(new Set([first, second, engineVersion(folder)]).size).toBe(3);
    expect(second).toMatch(/^1\.2\.3\+/);
  });

  test('is that of this project by default', () => {
    expect(engineVersion()).toMatch(/^\d+\.\d+\.\d+\+[0-9a-f]{8}$/);
  });
});
