/** The cache: incomplete content, concurrent processes, interrupted downloads, and no write access. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { strToU8 } from 'fflate';
import { beforeEach, describe, expect, test } from 'vitest';
import { FileError } from '../../src/errors.ts';
import { type FetchProgress, tutorialData, UnreachableError } from '../../src/fetch/index.ts';
import { moveIntoPlace } from '../../src/fetch/place.ts';
import { filesBelow, sha256, stalling } from '../support/server.ts';
import { makeScene } from './support.ts';

const scene = await makeScene();
const { root, pictures, zip, weights, weightsName, server, fetchData, fetchWeights, failure } = scene;

describe('incomplete content of the cache is downloaded again, with a note', () => {
  const notes: string[] = [];
  const onNote = (note: string) => notes.push(note);
  beforeEach(() => notes.splice(0));

  test.each<[string, (path: string) => void, RegExp]>([
    ['a picture missing', (path) => rmSync(join(path, 'val/discs/1.png')), /val\/discs\/1\.png is missing/],
    ['a picture cut off', (path) => writeFileSync(join(path, 'val/discs/1.png'), ''), /1\.png has 0 bytes, not \d+/],
    ['train/ missing', (path) => rmSync(join(path, 'train'), { recursive: true }), /it has no folder train/],
    ['a damaged list', (path) => writeFileSync(join(path, '.dawngrad.json'), '{'), /\.dawngrad\.json in it is damaged/],
  ])('data: %s', async (_, damage, message) => {
    const path = await fetchData();
    damage(path);
    expect(await fetchData({ onNote })).toBe(path);
    expect(notes).toEqual([expect.stringMatching(message)]);
    expect(filesBelow(path)).toEqual(['.dawngrad.json', ...filesBelow(pictures)]);
    expect(readdirSync(scene.cache)).toHaveLength(1);
  });

  test.each<[string, (path: string) => void, RegExp]>([
    ['cut off', (path) => writeFileSync(path, weights.subarray(0, 1000)), /is damaged: its SHA-256 should begin with/],
    ['changed', (path) => writeFileSync(path, weights.slice().fill(7, 9, 10)), /is damaged: its SHA-256/],
    ['empty', (path) => writeFileSync(path, ''), /is empty/],
  ])('weights: %s', async (_, damage, message) => {
    const path = await fetchWeights();
    damage(path);
    expect(await fetchWeights({ onNote })).toBe(path);
    expect(notes).toEqual([expect.stringMatching(message)]);
    expect(readFileSync(path).equals(weights)).toBe(true);
  });

  test('and stays unchanged while the server cannot be reached', async () => {
    const path = await fetchWeights();
    writeFileSync(path, 'x');
    server.answers.clear();
    await expect(fetchWeights()).rejects.toThrow(UnreachableError);
    expect(readdirSync(scene.cache)).toEqual([weightsName]);
  });
});

describe('interruptions and concurrency', () => {
  test.each([
    ['data', fetchData, '/pictures.zip', zip],
    ['weights', fetchWeights, `/${weightsName}`, weights],
  ] as const)('%s: an abort in the middle rejects with its reason', async (_, fetchIt, path, body) => {
    server.answers.set(path, stalling(body));
    const interrupt = new AbortController();
    const reason = new Error('enough');
    const onProgress = ({ received }: FetchProgress) => received > 0 && interrupt.abort(reason);
    expect(await failure(fetchIt({ signal: interrupt.signal, onProgress }))).toBe(reason);
    expect(await failure(fetchIt({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    server.answers.set(path, () => setTimeout(() => waiting.abort(reason), 50));
    const waiting = new AbortController();
    expect(await failure(fetchIt({ signal: waiting.signal }))).toBe(reason);
  });

  test('a callback that throws rejects with its error', async () => {
    const error = new Error('mine');
    const onProgress = () => {
      throw error;
    };
    expect(await failure(fetchWeights({ onProgress }))).toBe(error);
  });

  test('two concurrent calls in one process', async () => {
    const [one, two] = await Promise.all([fetchData(), fetchData()]);
    expect(one).toBe(two);
    const [three, four] = await Promise.all([fetchWeights(), fetchWeights()]);
    expect(three).toBe(four);
    expect(readdirSync(scene.cache).sort()).toEqual(
      [one, three].map((path) => path.slice(scene.cache.length + 1)).sort(),
    );
    expect(filesBelow(one)).toEqual(['.dawngrad.json', ...filesBelow(pictures)]);
  });

  test('the second process keeps a complete target and replaces an incomplete one', async () => {
    const { cache } = scene;
    const place = (of: string) => join(cache, of);
    const make = (of: string, text: string) => {
      mkdirSync(place(of));
      writeFileSync(join(place(of), 'text'), text);
    };
    const text = () => readFileSync(join(place('target'), 'text'), 'utf8');
    make('target', 'first');
    make('second', 'second');
    await moveIntoPlace(cache, place('second'), place('target'), () => text() === 'first');
    expect(text()).toBe('first');
    await moveIntoPlace(cache, place('second'), place('target'), () => text() === 'second');
    expect(text()).toBe('second');
    expect(readdirSync(cache)).toEqual(['target']);
  });

  test('two concurrent processes, one of them killed: the other succeeds, and the next one cleans up', async () => {
    // Both are in the middle of the body when the first is killed.
    const held: (() => void)[] = [];
    server.answers.set('/pictures.zip', (response) => {
      response.writeHead(200, { 'content-length': zip.byteLength });
      response.write(zip.subarray(0, 5000));
      held.push(() => response.end(zip.subarray(5000)));
    });
    const env = { DAWNGRAD_CACHE: scene.cache, DAWNGRAD_DATA_URL: `${server.origin}/pictures.zip` };
    const killed = startProcess('data', env);
    await killed.received;
    const other = startProcess('data', env);
    await other.received;
    expect(readdirSync(scene.cache)).toHaveLength(2);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    for (const release of held) release();
    const { code, stdout } = await other.ended;
    expect(code).toBe(0);
    expect(filesBelow(stdout.trim())).toEqual(['.dawngrad.json', ...filesBelow(pictures)]);
    const left = readdirSync(scene.cache).filter((name) => name.endsWith('.tmp'));
    expect(left).toHaveLength(1);
    server.answers.clear();
    expect(await fetchData()).toBe(stdout.trim());
    expect(readdirSync(scene.cache)).toEqual([stdout.trim().slice(scene.cache.length + 1)]);
  });

  test('files that others may still be writing stay, and long abandoned ones are removed', async () => {
    const host = sha256(strToU8(hostname())).slice(0, 8);
    const name = (of: string, pid: number) => `.dawngrad-${of}-${pid}-0123456789ab.tmp`;
    const mine = name(host, process.pid);
    const running = name(host, process.ppid);
    const elsewhere = name('00000000', 2 ** 30);
    const [gone, old, earlier] = [
      name(host, 2 ** 30),
      name('00000000', 7),
      name(host, process.pid).replace('0123', 'aaaa'),
    ];
    for (const one of [mine, running, elsewhere, gone, old, earlier]) mkdirSync(join(scene.cache, one));
    writeFileSync(join(scene.cache, gone, 'half'), 'x');
    for (const one of ['.dawngrad-notes.tmp', 'mine.tmp']) writeFileSync(join(scene.cache, one), 'kept');
    const hours = (count: number) => new Date(Date.now() - count * 3_600_000);
    utimesSync(join(scene.cache, old), hours(2), hours(2));
    // From before the start of this process, by one with the same number.
    const before = new Date(Date.now() - process.uptime() * 1000 - 60_000);
    utimesSync(join(scene.cache, earlier), before, before);
    await fetchWeights();
    expect(readdirSync(scene.cache).sort()).toEqual(
      [mine, running, elsewhere, '.dawngrad-notes.tmp', 'mine.tmp', weightsName].sort(),
    );
  });
});

describe('a cache folder that cannot be written', () => {
  test('because its parent is a file', async () => {
    writeFileSync(join(scene.cache, 'file'), '');
    const path = join(scene.cache, 'file', 'cache');
    await expect(fetchWeights({ cache: path })).rejects.toThrow(FileError);
    await expect(tutorialData({ cache: path, env: {} })).rejects.toThrow(
      `${path}: the cache folder cannot be used (ENOTDIR: not a directory, stat '${join(path, 'hymenoptera_data')}'). Set DAWNGRAD_CACHE`,
    );
    expect(server.asked).toEqual([]);
  });

  test('because of its permissions; its content is still used', async () => {
    const path = await fetchWeights();
    const allowed = asOrdinaryUser(() => chmodSync(scene.cache, 0o555));
    try {
      expect(await fetchWeights()).toBe(path);
      server.asked.length = 0;
      const error = await fetchData().catch((reason: unknown) => reason as Error);
      expect(error).toBeInstanceOf(FileError);
      expect(error).toMatchObject({
        message: expect.stringMatching(/cache folder cannot be used \(EACCES: .*DAWNGRAD_CACHE/),
      });
      expect(server.asked).toEqual([]);
    } finally {
      allowed();
      chmodSync(scene.cache, 0o755);
    }
  });
});

/** Permissions do not bind root: as root, this process becomes `nobody` until the result is called. */
function asOrdinaryUser(prepare: () => void): () => void {
  chmodSync(root, 0o755);
  prepare();
  if (process.geteuid?.() !== 0) return () => {};
  process.seteuid!(65534);
  return () => process.seteuid!(0);
}

function startProcess(kind: 'data' | 'weights', env: NodeJS.ProcessEnv) {
  const script = fileURLToPath(new URL('./fetch-script.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, kind], { env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const received = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (/^[1-9]/m.test(stderr)) resolve();
    });
  });
  const ended = new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return { child, received, ended };
}
