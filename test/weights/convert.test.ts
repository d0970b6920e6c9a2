/** The command `convert`: its output on stdout and stderr, and its exit status. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/convert.ts';
import { type Checkpoint, readCheckpoint, type TensorData, writeSafetensors } from '../../src/weights/index.ts';
import { GOLDEN, makeFolder, makePth, makeSafetensors, put } from './helpers.ts';

const folder = makeFolder();
let out = '';
let err = '';

beforeEach(() => {
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += String(chunk);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('converts a .pth to safetensors, and safetensors to safetensors', async () => {
  const first = join(folder, 'first.safetensors');
  expect(await main([join(GOLDEN, 'training.pth'), first])).toBe(0);
  expect(out).toMatch(
    /first\.safetensors: 8 tensors, 68 parameters and 7 batch-norm statistics, \d+ bytes; taken from "state_dict"; names without "module\."\n$/,
  );
  const second = join(folder, 'second.SAFETENSORS');
  expect(await main([first, second])).toBe(0);
  expect(readCheckpoint(second).metadata).toEqual({ format: 'pt', epoch: '12', arch: 'tiny', best: '0.5' });
  expect(err).toBe('');
});

test('every dtype keeps its values to the bit', async () => {
  const source = readCheckpoint(join(GOLDEN, 'dtypes.pth'));
  const path = join(folder, 'dtypes.safetensors');
  expect(await main([join(GOLDEN, 'dtypes.pth'), path])).toBe(0);
  const { tensors } = readCheckpoint(path);
  const exact = (all: Checkpoint['tensors']) =>
    Object.fromEntries(Array.from(all, ([name, { dtype, bytes }]) => [name, [dtype, Buffer.from(bytes!)]]));
  expect(exact(tensors)).toEqual(exact(source.tensors));
  // 2^24 + 1, which float32 rounds to 2^24.
  expect(Buffer.from(tensors.get('i64')!.bytes!).readBigInt64LE(16)).toBe(16_777_217n);
});

test('the bits of a NaN stay, also in a view that is gathered', async () => {
  const nans = new Uint8Array(Uint32Array.of(0x7fa0_1234, 0xff80_0001, 0x7fc0_0000, 0x3f80_0000).buffer);
  const tensors = {
    dense: { length: 4, shape: [4], strides: [1] },
    turned: { length: 4, shape: [2, 2], strides: [1, 2] },
  };
  const path = join(folder, 'nan.safetensors');
  expect(await main([put(folder, 'nan.pth', makePth(tensors, { '0': nans })), path])).toBe(0);
  const words = (name: string) => [...new Uint32Array(readCheckpoint(path).tensors.get(name)!.bytes!.slice().buffer)];
  expect(words('dense')).toEqual([0x7fa0_1234, 0xff80_0001, 0x7fc0_0000, 0x3f80_0000]);
  expect(words('turned')).toEqual([0x7fa0_1234, 0x7fc0_0000, 0xff80_0001, 0x3f80_0000]);
});

test('refuses many tensors of one storage, which would become a file many times as large', async () => {
  const length = 4 * 65536;
  const tensors = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [`t${i}`, { length, shape: [length], strides: [1] }]),
  );
  const path = put(folder, 'views.pth', makePth(tensors, { '0': new Uint8Array(4 * length) }));
  // Read, they are views of one memory.
  const buffers = Array.from(readCheckpoint(path).tensors.values(), ({ bytes, data }) => [bytes!.buffer, data.buffer]);
  expect(new Set(buffers.flat()).size).toBe(1);
  const output = join(folder, 'views.safetensors');
  expect(await main([path, output])).toBe(1);
  expect(err).toMatch(/2000 tensors share memory, and written in full they take about 2097\d{6} bytes/);
  expect(existsSync(output)).toBe(false);
});

test('a prefix before the names of a known network is removed, others stay', async () => {
  const one: TensorData = { shape: [1], data: Float32Array.of(1) };
  const write = (name: string, ...names: string[]) => {
    const path = join(folder, name);
    writeSafetensors(path, { tensors: new Map(names.map((key) => [key, one])), metadata: {} });
    return path;
  };
  const output = join(folder, 'prefix-out.safetensors');
  expect(await main([write('p.safetensors', 'model.layer1.0.conv1.weight', 'model.fc.bias'), output])).toBe(0);
  expect([...readCheckpoint(output).tensors.keys()].sort()).toEqual(['fc.bias', 'layer1.0.conv1.weight']);
  expect(out).toContain('names without "model."');
  out = '';
  const kept = ['loss.weight', 'model.layer1.0.conv1.weight'];
  expect(await main([write('q.safetensors', ...kept), output])).toBe(0);
  expect([...readCheckpoint(output).tensors.keys()].sort()).toEqual(kept);
  expect(out).not.toContain('without');
  expect(await main([write('r.safetensors', 'vit.a', 'vit.b'), output])).toBe(0);
  expect([...readCheckpoint(output).tensors.keys()].sort()).toEqual(['vit.a', 'vit.b']);
});

test('prints no control characters of a file', async () => {
  const path = put(folder, 'escape.pth', makePth({ '\u001b]0;x\u0007': { length: 9, shape: [9], strides: [1] } }, {}));
  expect(await main([path, join(folder, 'escape.safetensors')])).toBe(1);
  const raw = put(folder, 'raw.safetensors', makeSafetensors('{"a":\u001b]0;x\u0007}'));
  expect(await main([raw, join(folder, 'raw-out.safetensors')])).toBe(1);
  const name = join(folder, 'a\u001b[2Jb.pth');
  expect(await main([name, join(folder, 'name.safetensors')])).toBe(1);
  expect(err).toContain('a\\u001b[2Jb.pth: no such file');
  expect(err).toMatch(/^[\x20-\x7e\n]*$/);
});

test.each([[['--help']], [['-h']]])('%s prints the usage', async (argv) => {
  expect(await main(argv)).toBe(0);
  expect(out).toContain('Usage: npm run convert -- <input> <output.safetensors>');
});

test.each<[string[], RegExp]>([
  [[], /expected two paths.*found 0/],
  [['a.pth'], /found 1/],
  [['a.pth', 'b.safetensors', 'c'], /found 3/],
  [['a.pth', 'b.pth'], /b\.pth: only safetensors are written/],
  [['a.pth', 'b'], /only safetensors/],
  [['--fast', 'a.pth', 'b.safetensors'], /--fast/],
])('%j is wrong usage', async (argv, found) => {
  expect(await main(argv)).toBe(2);
  expect(err).toMatch(found);
  expect(err).toContain('--help');
  expect(out).toBe('');
});

test('writes no output if a file is missing or invalid', async () => {
  const output = join(folder, 'none.safetensors');
  expect(await main([join(folder, 'missing.pth'), output])).toBe(1);
  expect(err).toMatch(/^convert: .*missing\.pth: no such file/);
  expect(await main([join(GOLDEN, 'module.pth'), output])).toBe(1);
  expect(await main([join(GOLDEN, 'plain.pth'), join(folder, 'no', 'x.safetensors')])).toBe(1);
  expect(existsSync(output)).toBe(false);
});

const script = fileURLToPath(new URL('../../src/cli/convert.ts', import.meta.url));

test('runs as a program and returns its exit status', () => {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, 'a'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stderr).toContain('convert: expected two paths');
});

test('a full disk ends it with status 7, and leaves nothing', () => {
  const output = join(folder, 'full.safetensors');
  const faults = fileURLToPath(new URL('../support/faults.mjs', import.meta.url));
  const args = ['--import', 'tsx', '--import', faults, script, join(GOLDEN, 'plain.pth'), output];
  const env = { ...process.env, DAWNGRAD_FAULT: 'full:main:1', DAWNGRAD_FAULT_FOLDER: folder };
  const before = readdirSync(folder);
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  expect(stderr).toMatch(/^convert: .*full\.safetensors: .*ENOSPC/);
  expect(status).toBe(7);
  expect(readdirSync(folder)).toEqual(before);
});
