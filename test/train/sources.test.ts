/** The sources of a run's pictures and weights: named, cached, downloaded from loopback, or the demo. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8 } from 'fflate';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { FetchReport } from '../../src/cli/fetch-report.ts';
import { main } from '../../src/cli/train.ts';
import { parseTrainFlags } from '../../src/cli/train-flags.ts';
import { findSources } from '../../src/cli/train-sources.ts';
import type { PhaseMetrics, RunSummary } from '../../src/train/index.ts';
import { closedOrigin, serve } from '../fetch/support.ts';
import { withGpu } from '../support/gpu.ts';
import { halfway, sha256, stalling, whole, zipFolder } from '../support/server.ts';
import { drawPictures, readJson, runCommand, TRAINING_TIMEOUT, temporaryFolder } from './support.ts';

// The demo has its own tests. This one is replaced by a demo that takes seconds.
vi.mock('../../src/demo/index.ts', () => ({
  DEMO_SETTINGS: { epochs: 2, imageSize: 32, lr: 0.01, seed: 0, pictures: false },
  writeDemoPictures: async (folder: string, { seed }: { seed: number }) => {
    await drawPictures(folder, seed + 1);
  },
}));

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const pictures = await drawPictures(join(root, 'pictures'));
const zip = zipFolder(pictures, 'insects/');
const server = await serve();
const nowhere = await closedOrigin();
const QUICK = ['--epochs', '1', '--image-size', '32', '--workers', '0', '--threads', '1'];

let cache: string;
let out: string;
beforeEach(() => {
  cache = mkdtempSync(join(root, 'cache-'));
  out = join(mkdtempSync(join(root, 'out-')), 'run');
  server.answers.clear();
  server.asked.length = 0;
  server.answers.set('/pictures.zip', whole(zip));
});

/** Makes the official addresses unreachable: names a proxy that does not exist. */
const offline = () => ({ DAWNGRAD_CACHE: cache, HTTPS_PROXY: nowhere });
const served = () => ({ ...offline(), DAWNGRAD_DATA_URL: `${server.origin}/pictures.zip` });

async function call(args: readonly string[], env: NodeJS.ProcessEnv) {
  let [stdout, stderr] = ['', ''];
  const code = await main([...args, '--out', out], {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env,
  });
  return { code, stdout, stderr };
}

describe('downloads', () => {
  gpuTest(
    'trains on downloaded pictures if none are named; the second run does not ask the server',
    async () => {
      const first = await call([...QUICK, '--weights', 'none'], served());
      expect(first.code, first.stderr).toBe(0);
      expect(first.stderr).toMatch(/^Downloading http:.*\/pictures\.zip \([\d.]+ KiB\)$/m);
      expect(first.stderr).toMatch(/^pictures\.zip: ([\d.]+ KiB) of \1, .*\/s$/m);
      expect(first.stderr).toContain(`Kept for the next time in ${cache}\n`);
      expect(first.stdout).toMatch(/^Epoch 0\/0\n/);
      expect(existsSync(join(readJson<{ data: string }>(out, 'config.json').data, 'train', 'discs'))).toBe(true);
      expect(readJson(out, 'config.json')).not.toHaveProperty('demo');
      expect(readJson(out, 'summary.json')).not.toHaveProperty('demo');

      const weights = readFileSync(join(out, 'best.safetensors'));
      const name = `resnet18-${sha256(weights).slice(0, 8)}.safetensors`;
      server.answers.set(`/${name}`, whole(weights));
      out = `${out}-second`;
      const second = await call(QUICK, { ...served(), DAWNGRAD_WEIGHTS_URL: `${server.origin}/${name}` });
      expect(second.code, second.stderr).toBe(0);
      expect(readJson(out, 'config.json')).toMatchObject({ weights: { file: join(cache, name) } });
      expect(server.asked).toEqual(['/pictures.zip', `/${name}`]);
    },
    TRAINING_TIMEOUT,
  );

  test.each<[string, () => void, RegExp]>([
    ['cut off half-way', () => server.answers.set('/pictures.zip', halfway(zip)), /the download was cut off/],
    ['not a zip', () => server.answers.set('/pictures.zip', whole(strToU8('<html>'))), /is not a complete zip archive/],
    [
      'a zip that reaches out of its folder',
      () => server.answers.set('/pictures.zip', whole(zipFolder(pictures, 'insects/', { '../evil': strToU8('x') }))),
      /would leave the folder/,
    ],
    ['not there', () => server.answers.clear(), /answered with status 404 Not Found/],
  ])('%s is an error, not the demo, and leaves nothing behind', async (_, breakIt, message) => {
    breakIt();
    const { code, stdout, stderr } = await call(QUICK, served());
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^train: http:\/\/127\.0\.0\.1:\d+\/pictures\.zip: .*DAWNGRAD_DATA_URL/m);
    expect(stderr).toMatch(/Or name a folder of pictures with --data <folder>/);
    expect(readdirSync(cache)).toEqual([]);
    expect(existsSync(out)).toBe(false);
  });

  test('weights whose hash differs from their name are refused', async () => {
    server.answers.set('/resnet18-01234567.pth', whole(strToU8('something else')));
    const env = { ...offline(), DAWNGRAD_WEIGHTS_URL: `${server.origin}/resnet18-01234567.pth` };
    const { code, stderr } = await call([...QUICK, '--data', pictures], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^train: .*its SHA-256 should begin with 01234567/m);
    expect(stderr).toMatch(/--weights <file>, or start from random weights with --weights none/);
    expect(readdirSync(cache)).toEqual([]);
  });

  test('a variable without an address is wrong usage', async () => {
    const { code, stderr } = await call(QUICK, { ...offline(), DAWNGRAD_DATA_URL: 'pictures.zip' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/DAWNGRAD_DATA_URL: expected an http or https address, found "pictures\.zip"/);
  });

  test('Ctrl-C during a download leaves no file', async () => {
    server.answers.set('/pictures.zip', stalling(zip));
    const { code, signal, stdout, stderr } = await runCommand(
      ['--out', out],
      (text, kill) => {
        if (text.includes('Downloading') && !text.includes('Stopping')) kill('SIGINT');
      },
      served(),
    );
    expect({ code, signal, stdout }, stderr).toEqual({ code: 130, signal: null, stdout: '' });
    expect(stderr).toMatch(/^Stopping; interrupt again to stop at once\.$/m);
    expect(readdirSync(cache)).toEqual([]);
    expect(existsSync(out)).toBe(false);
  });
});

describe('the demo never replaces a named source', () => {
  test.each<[string, string[], NodeJS.ProcessEnv, RegExp]>([
    [
      'pictures by a flag',
      ['--data', pictures],
      {},
      /^train: https:\/\/download\.pytorch\.org\/models\/resnet18-f37072fd\.pth: /m,
    ],
    ['pictures by a variable', [], { DAWNGRAD_DATA: pictures }, /resnet18-f37072fd\.pth: cannot be reached/],
    [
      'no weights',
      ['--weights', 'none'],
      {},
      /^train: https:\/\/download\.pytorch\.org\/tutorial\/hymenoptera_data\.zip: /m,
    ],
    ['an address', [], { DAWNGRAD_WEIGHTS_URL: `${nowhere}/mine.pth` }, /hymenoptera_data\.zip: cannot be reached/],
  ])('%s', async (_, args, env, message) => {
    const { code, stdout, stderr } = await call([...QUICK, ...args], { ...offline(), ...env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/the connection was refused \(ECONNREFUSED\) \(HTTPS_PROXY is set\)/);
    expect(stderr).toContain(`put it at ${cache}`);
    expect(stderr).not.toMatch(/Built-in demo/);
  });

  test('a damaged official download in the cache is an error', async () => {
    // Its hash is wrong, and it cannot be downloaded again.
    writeFileSync(join(cache, 'resnet18-f37072fd.pth'), 'half');
    const { code, stderr } = await call([...QUICK, '--data', pictures], offline());
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /resnet18-f37072fd\.pth: is damaged: its SHA-256 should begin with f37072fd, .* it is downloaded again/,
    );
  });
});

describe('the demo', () => {
  gpuTest(
    'trains if nothing is named or reachable, says so everywhere, and explains how to get the real data',
    async () => {
      const { code, stdout, stderr } = await call(['--epochs', '1', '--seed', '3'], offline());
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/^Built-in demo: .*\nEpoch 0\/0\n/);
      expect(stderr).toMatch(
        /^The tutorial's pictures cannot be downloaded: https:.*hymenoptera_data\.zip: the connection was refused/,
      );
      expect(stderr).toMatch(/^Nothing was named with --data or --weights, so this trains the built-in demo instead/m);
      expect(stderr).toContain(`as the folder ${join(cache, 'hymenoptera_data')}`);
      expect(stderr).toContain(`as ${join(cache, 'resnet18-f37072fd.pth')}`);
      const data = join(cache, 'demo-3');
      // A flag takes precedence over the demo's setting, which takes precedence over the tutorial's.
      expect(readJson(out, 'config.json')).toMatchObject({
        demo: true,
        data,
        weights: null,
        epochs: 1,
        imageSize: 32,
        lr: 0.01,
      });
      expect(readJson<RunSummary>(out, 'summary.json')).toMatchObject({ demo: true, seed: 3 });
      expect(readdirSync(cache)).toEqual(['demo-3']);
    },
    TRAINING_TIMEOUT,
  );

  gpuTest(
    'with --demo uses no network and no variable, and every line of JSON says so',
    async () => {
      const env = { ...served(), DAWNGRAD_DATA: '/nowhere', DAWNGRAD_WEIGHTS: '/nowhere' };
      const { code, stdout, stderr } = await call(['--demo', '--epochs', '1', '--json', '--mode', 'both'], env);
      expect(code, stderr).toBe(0);
      const rows = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as PhaseMetrics & { demo: boolean });
      expect(rows).toHaveLength(4);
      for (const row of rows) expect(row).toMatchObject({ demo: true });
      expect(stderr).toMatch(/^Built-in demo: /m);
      for (const mode of ['finetune', 'extract'])
        expect(readJson(out, mode, 'summary.json')).toMatchObject({ demo: true });
      expect(server.asked).toEqual([]);
    },
    TRAINING_TIMEOUT,
  );

  test('also replaces a cached source if the other is unreachable', async () => {
    await drawPictures(join(cache, 'hymenoptera_data'));
    let told = '';
    const report = new FetchReport({ write: (text) => (told += text) });
    const command = parseTrainFlags([], {});
    if (command === 'help') throw new Error('not asked for');
    const signal = new AbortController().signal;
    const sources = await findSources(command, { env: offline(), signal, report });
    expect(sources).toMatchObject({ demo: true, data: join(cache, 'demo-0'), weights: undefined });
    expect(told).toMatch(/^torchvision's weights cannot be downloaded: .*resnet18-f37072fd\.pth: /m);
  });
});
