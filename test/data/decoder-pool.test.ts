/** A thread that dies, and the limits that threads share. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DecoderPool, loadSharp } from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';

// Starting a thread from sources takes a second or more while other tests keep the processors busy.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let small: string;
let large: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
  small = join(folder, 'small.png');
  large = join(folder, 'large.png');
  const sharp = await loadSharp();
  const plain = (width: number) => ({ create: { width, height: width, channels: 3, background: '#102030' } }) as const;
  writeFileSync(small, await sharp(plain(40)).png().toBuffer());
  // It takes long enough to be caught at.
  writeFileSync(large, await sharp(plain(8000)).png({ compressionLevel: 1 }).toBuffer());
});
afterAll(() => rmSync(folder, { recursive: true }));

const TRANSFORM = { kind: 'val', size: 16, resize: 16 } as const;
const job = (...paths: string[]) => ({
  transform: TRANSFORM,
  pictures: paths.map((path) => ({ path, slot: undefined })),
});
const room = (pictures: number) => new Float32Array(pictures * 3 * 16 * 16);

interface Inner {
  readonly budget: { readonly memory: Int32Array; readonly total: number };
  readonly started: readonly { readonly worker: Worker; readonly data: { readonly progress: Int32Array } }[];
}

test('a thread that dies costs the picture that it was at; its other batches are computed', async () => {
  const pool = new DecoderPool(1);
  await pool.render(job(small), room(1));
  const alone = await pool.render(job(small, small), room(2));
  const lost = pool.render(job(small, large), room(2)).catch((error: unknown) => error);
  // As the loader gives them: part of a larger buffer.
  const next = pool.render(job(small, small), new Float32Array(new ArrayBuffer(9000), 0, 2 * 3 * 16 * 16));
  const {
    started: [thread],
    budget: { memory, total },
  } = pool as unknown as Inner;
  while (Atomics.load(thread!.data.progress, 0) < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  while (memory[0] !== total - 64_000_000) await new Promise((resolve) => setTimeout(resolve, 1));
  await thread!.worker.terminate();
  const error = await lost;
  expect(error).toBeInstanceOf(FileError);
  expect((error as Error).message).toMatch(new RegExp(`^${large}: the thread that decoded this picture ended`));
  const computed = await next;
  expect(computed).toEqual(alone);
  expect(computed.buffer.byteLength).toBe(9000);
  // What the dead thread held is free again.
  expect([...memory]).toEqual([total, 0]);
  expect(await pool.render(job(small, small), room(2))).toEqual(alone);
  await pool.close();
});

test('a thread that dies before its first picture is not replaced', async () => {
  const pool = new DecoderPool(1);
  pool.start();
  const [thread] = (pool as unknown as Inner).started;
  const lost = pool.render(job(small), room(1));
  await thread!.worker.terminate();
  await expect(lost).rejects.toThrow(/A decoder thread ended/);
  await expect(pool.render(job(small), room(1))).rejects.toThrow(/A decoder thread ended/);
  await pool.close();
});

for (const threads of [0, 2]) {
  test(`the limit on pixels and a picture without any cost one picture (threads: ${threads})`, async () => {
    const none = join(folder, 'none.ppm');
    writeFileSync(none, 'P6\n0 0\n255\n');
    const pool = new DecoderPool(threads, { maxPixels: 2000 });
    const results = await Promise.allSettled([large, none, small].map((path) => pool.render(job(path), room(1))));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    const messages = results.map((result) =>
      result.status === 'rejected' ? (result.reason as FileError).message : '',
    );
    expect(messages[0]).toBe(
      `${large}: 8000×8000 pixels are more than the limit of 2000. If you trust it, raise maxPixels (--max-pixels).`,
    );
    expect(messages[1]).toMatch(/none.ppm: a picture of 0×0 has no pixels/);
    await pool.close();
  });
}

test('maxPixels must be a number of at least 1', () => {
  expect(() => new DecoderPool(1, { maxPixels: 0 })).toThrow(/maxPixels: expected a number of at least 1, found 0/);
});
