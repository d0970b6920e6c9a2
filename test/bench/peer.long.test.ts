/** Comparisons with a peer: the protocol with scripts in place of PyTorch, and PyTorch itself if it is installed. */
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { compare, type Pairing } from '../../bench/compare.ts';
import { HELP, main, parseCompareFlags } from '../../bench/compare-main.ts';
import { MissingPeerError, Peer } from '../../bench/peer.ts';
import { WORKS, type Work } from '../../bench/steps.ts';
import { withGpu } from '../support/gpu.ts';
import { findTorchPython, NO_TORCH } from '../support/python.ts';
import { skipUnless } from '../support/skip.ts';
import { call, temporaryFolder } from './support.ts';

// Behaves as if `npm ci` had not been run in bench/peers.
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, existsSync: (path: string) => !`${path}`.includes('tfjs-backend-webgpu') && fs.existsSync(path) };
});

const { gpuTest } = await withGpu();
const python = findTorchPython();

const scratch = temporaryFolder();

/** A command in place of Python, which is called with the arguments for pytorch.py. */
function pretend(script: string): string {
  const path = join(scratch, 'python');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const PLAIN = { batchSize: 2, imageSize: 32 };
const GREETING = `echo '{"name":"PyTorch 9","threads":3}'`;
const unixTest = skipUnless(process.platform !== 'win32', 'shell scripts replace PyTorch');

const run = (argv: readonly string[], env: NodeJS.ProcessEnv = {}, works: readonly Work[] = WORKS) =>
  call((io) => main(argv, io, { imageSize: 32, works }), env);

describe('flags', () => {
  test('by default: PyTorch, batch size 4, 20 steps, random weights', () => {
    const options = { batchSize: 4, steps: 20, weights: undefined };
    expect(parseCompareFlags([], {})).toEqual({ peer: 'pytorch', options, json: undefined });
  });

  test('TensorFlow.js takes 3 steps', () => {
    expect(parseCompareFlags(['--peer', 'tfjs'], {})).toMatchObject({ peer: 'tfjs', options: { steps: 3 } });
  });

  test('weights come from the flag, or from the variable without the flag', () => {
    const here = fileURLToPath(import.meta.url);
    const weights = (argv: string[], env: NodeJS.ProcessEnv) => {
      const command = parseCompareFlags(argv, env);
      return command === 'help' ? command : command.options.weights;
    };
    expect(weights([], { DAWNGRAD_WEIGHTS: here })).toBe(here);
    expect(weights(['--weights', here], { DAWNGRAD_WEIGHTS: 'x' })).toBe(here);
    expect(weights(['--weights', 'none'], { DAWNGRAD_WEIGHTS: here })).toBeUndefined();
    expect(weights([], { DAWNGRAD_WEIGHTS: '' })).toBeUndefined();
  });

  test('--help explains every flag', async () => {
    const { status, stdout } = await run(['--help']);
    expect([status, stdout]).toEqual([0, HELP]);
    for (const flag of ['peer', 'batch-size', 'steps', 'weights', 'json', 'adapter'])
      expect(HELP).toContain(`--${flag} `);
  });

  test.each([
    [['--peer', 'jax'], {}, '--peer: expected pytorch, tfjs, found "jax"'],
    [['--steps', '0'], {}, '--steps: expected a whole number of at least 1'],
    [['--weights', '/nowhere.pth'], {}, '--weights: /nowhere.pth: no such file'],
    [[], { DAWNGRAD_WEIGHTS: '/nowhere.pth' }, 'DAWNGRAD_WEIGHTS: /nowhere.pth: no such file'],
    [['--weights', 'a.safetensors'], {}, 'PyTorch reads .pth only'],
    [['--json', '/nowhere/at/all.json'], {}, 'there is no folder /nowhere/at'],
  ])('%j with %j is wrong usage', async (argv, env, message) => {
    const { status, stdout, stderr } = await run(argv, env);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });
});

describe('a missing peer ends the command with advice and exit status 2', () => {
  test('PyTorch', async () => {
    const script = fileURLToPath(new URL('../../bench/compare-main.ts', import.meta.url));
    // These tell scripts/find-python.ts that there is no Python.
    const env = { ...process.env, DAWNGRAD_PYTHON: '', DAWNGRAD_PYTHON_CHECKED: '1', DAWNGRAD_WEIGHTS: '' };
    const [code, stdout, stderr] = await new Promise<[unknown, string, string]>((resolve) => {
      execFile(process.execPath, ['--import', 'tsx', script], { env, timeout: 50_000 }, (error, out, message) =>
        resolve([error?.code ?? 0, out, message]),
      );
    });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`bench:compare: ${NO_TORCH}.`);
    expect(stderr).toContain('pip install torch torchvision');
  });

  unixTest('torchvision', async () => {
    const missing = Peer.start('pytorch', {
      ...PLAIN,
      python: pretend(`echo '{"missing":"No module named torchvision"}'`),
    });
    await expect(missing).rejects.toThrow(MissingPeerError);
    await expect(missing).rejects.toThrow('(No module named torchvision)');
  });

  test('TensorFlow.js', async () => {
    const { status, stdout, stderr } = await run(['--peer', 'tfjs']);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('run `npm ci` in bench/peers');
  });
});

describe('a peer', () => {
  unixTest('receives work and steps, and answers with milliseconds', async () => {
    const log = join(scratch, 'log');
    const script = `echo "$@" > ${log}; ${GREETING}; while read line; do echo "$line" >> ${log}; echo 12.5; done`;
    const peer = await Peer.start('pytorch', { ...PLAIN, python: pretend(script) });
    expect([peer.name, peer.threads]).toEqual(['PyTorch 9', 3]);
    expect(await peer.time('finetune-step', 4)).toBe(12.5);
    expect(await peer.time('eval-forward', 1)).toBe(12.5);
    peer.end();
    const [args, ...asked] = readFileSync(log, 'utf8').trim().split('\n');
    expect(args).toMatch(new RegExp(`bench/pytorch\\.py 2 32 ${availableParallelism()} none resnet18$`));
    expect(asked).toEqual(['finetune-step 4', 'eval-forward 1']);
  });

  unixTest('that ends or prints anything else is an error', async () => {
    const start = (script: string) => Peer.start('pytorch', { ...PLAIN, python: pretend(script) });
    await expect(start('exit 1')).rejects.toThrow('ended at once');
    await expect(start('echo hello')).rejects.toThrow('should introduce itself in JSON, but says: hello');
    for (const answer of ['exit 1', 'read line; echo nan', 'read line; echo -1']) {
      const peer = await start(`${GREETING}; ${answer}`);
      await expect(peer.time('eval-forward', 1)).rejects.toThrow('PyTorch 9 did not time eval-forward');
      peer.end();
    }
    await expect(Peer.start('pytorch', { ...PLAIN, python: join(scratch, 'nobody') })).rejects.toThrow('ended at once');
  });
});

const gpuUnixTest = process.platform === 'win32' ? unixTest : gpuTest;
gpuUnixTest('ours and the peer work in turn, in blocks of four; the ratio is ours over theirs', async () => {
  const log = join(scratch, 'turns');
  const script = `${GREETING}; while read line; do echo "$line" >> ${log}; echo 0.5; done`;
  const works: Work[] = ['extract-step', 'eval-forward'];
  const results = await compare('pytorch', { ...PLAIN, works, steps: 5, python: pretend(script) });
  const asked = readFileSync(log, 'utf8').trim().split('\n');
  expect(asked).toEqual(works.flatMap((work) => [`${work} 3`, `${work} 4`, `${work} 1`]));
  for (const { oursMs, peerMs, ratio } of results) {
    expect(peerMs).toBe(0.5);
    expect(ratio).toBeCloseTo(oursMs / 0.5, 6);
  }
});

const torchTest = python ? gpuTest : skipUnless(false, NO_TORCH);

torchTest(
  'the comparison with PyTorch is printed and written as JSON',
  async () => {
    const file = join(scratch, 'compare.json');
    const works: Work[] = ['finetune-step', 'eval-forward'];
    const { status, stdout, stderr } = await run(['--batch-size', '2', '--steps', '1', '--json', file], {}, works);
    expect(status).toBe(0);
    expect(stderr).toMatch(new RegExp(`PyTorch [\\d.]+.*: ${availableParallelism()} threads`));
    const results = JSON.parse(readFileSync(file, 'utf8')) as (Pairing & { pytorchMs: number })[];
    expect(results.map((one) => one.work)).toEqual(works);
    for (const one of results) {
      expect(Object.keys(one).sort()).toEqual(['batch', 'oursMs', 'pytorchMs', 'ratio', 'work']);
      expect(one.batch).toBe(2);
      expect(one.pytorchMs).toBeGreaterThan(0);
      // Of a single block.
      expect(one.ratio).toBeCloseTo(one.oursMs / one.pytorchMs, 9);
      expect(stdout).toMatch(new RegExp(`${one.work} +2 .* ${one.ratio.toFixed(2)} times PyTorch's`));
    }
  },
  120_000,
);
