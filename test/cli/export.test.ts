/** The flags of `export`, and its messages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/export.ts';
import { parseExportFlags } from '../../src/cli/export-flags.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawngrad-export-flags-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const weights = join(folder, 'net.pth');
writeFileSync(weights, 'no weights');
const parse = (...flags: string[]) => parseExportFlags(['--weights', weights, ...flags]);

test('the ending tells the format', () => {
  expect(parse('--out', 'a.PTH')).toMatchObject({ format: 'torch', half: false, overwrite: false });
  expect(parse('--out', 'a.safetensors', '--half')).toMatchObject({ format: 'safetensors', half: true });
  expect(parse('--out', 'a.bytes', '--format', 'onnx')).toMatchObject({ format: 'onnx', preprocess: undefined });
  const flags = [
    '--preprocess',
    'uint8',
    '--fold-batch-norm',
    '--softmax',
    '--image-size',
    '96',
    '--adapter',
    'software',
  ];
  expect(parse('--out', 'a.onnx', ...flags)).toMatchObject({
    ...{ preprocess: 'u8', foldBatchNorm: true, probabilities: true, imageSize: 96, adapter: 'software' },
  });
});

test.each([
  [['--out', 'a.bytes'], '--format: expected torch, onnx, safetensors, as the ending of a.bytes tells none of them'],
  [['--out', 'a.pth', '--format', 'onnx'], '--out: a.pth ends like a file of the format torch, but --format is onnx'],
  [['--out', 'a.pth', '--softmax'], '--softmax: is of the format onnx, and the file is to be torch'],
  [['--out', 'a.onnx', '--preprocess', 'int8'], '--preprocess: expected uint8, float, found "int8"'],
  [['--out', 'a.onnx', '--image-size', '7'], '--image-size'],
  [[], '--out: expected a file, found none'],
  [['--out', ''], '--out: expected a file, found none'],
  [['--out', 'a.pth', 'b.pth'], 'b.pth'],
])('%j is wrong', (flags, message) => {
  expect(() => parse(...flags)).toThrow(message);
});

test('weights are needed, and must exist', () => {
  expect(() => parseExportFlags(['--out', 'a.pth'])).toThrow('--weights: expected a run or a checkpoint');
  expect(() => parseExportFlags(['--weights', join(folder, 'no.pth'), '--out', 'a.pth'])).toThrow('no such file');
});

test('a file that is no network is named, and the status tells', async () => {
  let err = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += String(chunk);
    return true;
  });
  try {
    expect(await main(['--weights', weights, '--out', join(folder, 'a.onnx')])).toBe(1);
    expect(err).toMatch(/^export: .*net\.pth/);
    expect(await main(['--out'])).toBe(2);
    expect(err).toContain('Try "npm run export -- --help".');
  } finally {
    vi.restoreAllMocks();
  }
});
