/** The download of weights if none are named; from loopback. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { closedOrigin, serve } from '../fetch/support.ts';
import { withGpu } from '../support/gpu.ts';
import { stalling, whole } from '../support/server.ts';
import { call, drawPicture, randomState, runCommand, SIZE, temporaryFolder, writeNet } from './support.ts';

const { gpuTest, gpu } = await withGpu();
const root = temporaryFolder();
const picture = await drawPicture(join(root, 'a.png'), 1);
const server = await serve();
const nowhere = await closedOrigin();
const address = `${server.origin}/net.safetensors`;

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(root, 'cache-'));
  server.answers.clear();
  server.asked.length = 0;
});

gpuTest('weights are downloaded once, and named weights are not downloaded', async () => {
  const net = writeNet(join(root, 'net.safetensors'), randomState(gpu, 1000), { imageSize: String(SIZE) });
  server.answers.set('/net.safetensors', whole(readFileSync(net)));
  const env = { DAWNGRAD_CACHE: cache, DAWNGRAD_WEIGHTS_URL: address };
  const flags = ['--threads', '0', '--json', picture];
  const first = await call(flags, env);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr).toContain(`Downloading ${address}`);
  expect(server.asked).toEqual(['/net.safetensors']);
  const second = await call(flags, env);
  expect(second).toMatchObject({ code: 0, stdout: first.stdout });
  expect(second.stderr).not.toMatch(/Downloading/);
  expect(second.stderr).toMatch(/Weights: .*cache-.*net\.safetensors \(resnet18\), 1000 classes/);
  const named = await call(flags, { ...env, DAWNGRAD_WEIGHTS: net, DAWNGRAD_CACHE: join(root, 'unused') });
  expect(named).toMatchObject({ code: 0, stdout: first.stdout });
  expect(server.asked).toHaveLength(1);
});

test('an unreachable server is an error that names the remedy', async () => {
  const env = { DAWNGRAD_CACHE: cache, DAWNGRAD_WEIGHTS_URL: `${nowhere}/net.pth` };
  const { code, stdout, stderr } = await call([picture], env);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^predict: http.*net\.pth: cannot be reached/m);
  expect(stderr).toMatch(/^Or name a checkpoint with --weights <file>, such as a run's best\.safetensors\.$/m);
  expect(readdirSync(cache)).toEqual([]);
});

test('without a picture nothing is downloaded, and a bad address is wrong usage', async () => {
  const env = { DAWNGRAD_CACHE: cache, DAWNGRAD_WEIGHTS_URL: address };
  expect(await call([join(root, 'missing.png')], env)).toMatchObject({ code: 1 });
  expect(server.asked).toEqual([]);
  const bad = await call([picture], { ...env, DAWNGRAD_WEIGHTS_URL: 'ftp://a/b' });
  expect(bad.code).toBe(2);
  expect(bad.stderr).toMatch(/DAWNGRAD_WEIGHTS_URL: expected an http or https address/);
});

test('Ctrl-C ends a download with exit status 130 and leaves no file', async () => {
  server.answers.set('/net.safetensors', stalling(new Uint8Array(100_000)));
  let sent = false;
  const { code, stderr } = await runCommand(
    [picture],
    (soFar, kill) => {
      if (sent || !soFar.stderr.includes('Downloading')) return;
      sent = true;
      kill('SIGINT');
    },
    { DAWNGRAD_CACHE: cache, DAWNGRAD_WEIGHTS_URL: address, NO_PROXY: '*' },
  );
  expect(code, stderr).toBe(130);
  expect(readdirSync(cache)).toEqual([]);
});
