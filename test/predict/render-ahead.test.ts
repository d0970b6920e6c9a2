/** Pictures are decoded ahead, a bounded number at once, in memory that is reused. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DecoderPool } from '../../src/data/index.ts';
import { renderAhead } from '../../src/predict/render-ahead.ts';
import { drawPicture, SIZE, temporaryFolder, writeBroken } from './support.ts';

const root = temporaryFolder();
const picture = await drawPicture(join(root, 'a.png'), 1);
const broken = writeBroken(join(root, 'b.png'));

/** Counts the pictures in progress and the buffers used. */
class WatchedPool extends DecoderPool {
  underway = 0;
  most = 0;
  readonly buffers = new Set<ArrayBuffer>();

  constructor() {
    super(0);
  }

  override async render(...[job, out]: Parameters<DecoderPool['render']>) {
    this.buffers.add(out.buffer);
    this.most = Math.max(this.most, ++this.underway);
    try {
      return await super.render(job, out);
    } finally {
      this.underway--;
    }
  }
}

test('no more pictures are in progress than `ahead`, for any number of pictures', async () => {
  const pool = new WatchedPool();
  const pictures = Array.from({ length: 50 }, (_, i) => (i % 7 === 3 ? broken : picture));
  const options = { transform: { kind: 'val', size: SIZE, resize: SIZE }, pool, ahead: 5 } as const;
  const found: boolean[] = [];
  for await (const one of renderAhead(pictures, options)) {
    found.push('image' in one);
    if ('image' in one) one.release();
  }
  expect(found).toEqual(pictures.map((path) => path === picture));
  expect(pool.most).toBe(5);
  // Buffers of unreadable pictures are lost: threads do not send them back.
  const failures = pictures.filter((path) => path === broken).length;
  expect(pool.buffers.size).toBeLessThanOrEqual(5 + 1 + failures);
});

test('the first picture arrives before the last is requested', async () => {
  const pool = new WatchedPool();
  const options = { transform: { kind: 'val', size: SIZE, resize: SIZE }, pool, ahead: 2 } as const;
  const pictures = renderAhead(
    Array.from({ length: 10 }, () => picture),
    options,
  );
  await pictures.next();
  expect(pool.buffers.size).toBe(2);
  await pictures.return();
});
