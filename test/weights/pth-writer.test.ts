/** Files that `writePth` writes: torch's own alignment, every dtype read back to the bit, refusals. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCheckpoint, writePth } from '../../src/weights/index.ts';
import { encodeZip } from '../../src/weights/zip-writer.ts';
import { GOLDEN, makeFolder } from './helpers.ts';

const folder = makeFolder();

test('every dtype of torch is read back to the bit, scalars and tensors without values too', () => {
  const { tensors } = readCheckpoint(join(GOLDEN, 'dtypes.pth'));
  tensors.set('nothing', { shape: [0, 3], data: new Float32Array(0) });
  tensors.set('counted', { shape: [], data: Float32Array.of(7), dtype: 'I64' });
  const out = join(folder, 'dtypes.pth');
  writePth(out, { tensors });
  const found = readCheckpoint(out).tensors;
  expect([...found.keys()]).toEqual([...tensors.keys()]);
  for (const [name, { dtype = 'F32', shape, data }] of tensors) {
    expect([found.get(name)!.dtype, found.get(name)!.shape]).toEqual([dtype, shape]);
    expect([...found.get(name)!.data]).toEqual([...data]);
  }
});

test('values start at multiples of 64 bytes', () => {
  const out = join(folder, 'aligned.pth');
  const marks = [3, 5].map((value) => Float32Array.from({ length: 20 }, () => value));
  writePth(out, { tensors: new Map(marks.map((data, i) => [`tensor ${i}`, { shape: [20], data }])) });
  const bytes = readFileSync(out);
  for (const data of marks) expect(bytes.indexOf(Buffer.from(data.buffer)) % 64).toBe(0);
});

test('a dtype without a storage in torch, and files beyond 4 GiB, are refused', () => {
  const bytes = new Uint8Array(8);
  const tensors = new Map([['u64', { shape: [1], data: new Float32Array(1), dtype: 'U64' as const, bytes }]]);
  expect(() => writePth(join(folder, 'no.pth'), { tensors })).toThrow(/no\.pth: .*"u64" has dtype U64/);
  const huge = [{ name: 'huge', size: 2 ** 32, bytes: () => bytes }];
  expect(() => encodeZip('huge.pth', huge)).toThrow(/huge\.pth: not written: 1 entries of about 4294/);
});
