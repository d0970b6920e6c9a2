/** The programs of docs/library.md about a loop of one's own: they run as they stand there. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { codeBlocks } from '../scripts/pack/install.ts';
import { smallFile } from './onnx/graphs.ts';
import { withGpu } from './support/gpu.ts';
import { temporaryFolder } from './train/support.ts';

const { gpuTest } = await withGpu();
const folder = temporaryFolder();
const library = readFileSync(fileURLToPath(new URL('../docs/library.md', import.meta.url)), 'utf8');
const [loop, server] = codeBlocks(library, 'Your own classes, in a loop of your own', 'ts');
const program = fileURLToPath(new URL('docs-library-program.ts', import.meta.url));
afterAll(() => rmSync(program, { force: true }));

gpuTest('the loop trains, saves and goes on to the same bits', async () => {
  writeFileSync(join(folder, 'net.onnx'), await smallFile());
  // Only the places of its files and of the package are this test's.
  const code = loop!
    .replaceAll("'net.onnx'", JSON.stringify(join(folder, 'net.onnx')))
    .replaceAll("'training.safetensors'", JSON.stringify(join(folder, 'training.safetensors')))
    .replaceAll("'dawngrad'", "'../src/index.ts'")
    .replaceAll("'dawngrad/onnx'", "'../src/onnx.ts'");
  writeFileSync(program, code);
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import(/* @vite-ignore */ program);
  const [line] = log.mock.calls.at(-1)!;
  log.mockRestore();
  const found = /^from epoch 1 on: (\S+) and again (\S+)$/.exec(line as string);
  expect(found?.[1]).toBe(found?.[2]);
  expect(found?.[1]).toMatch(/^[0-9.]+,[0-9.]+$/);
});

test('the server is there', () => {
  expect(server).toContain("openPredictor('runs/insects'");
});
