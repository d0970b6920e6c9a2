/** Pictures are turned as their EXIF or their container says, and are left as they are stored if asked for. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decode, loadSharp, type Picture, readSize } from '../../src/data/index.ts';
import { drawBlobs } from '../support/messy-data.ts';
import { GOLDEN_FOLDER } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawngrad-turned-'));
afterAll(() => rmSync(folder, { recursive: true }));
const [WIDTH, HEIGHT] = [37, 22];

const put = (name: string, bytes: Uint8Array) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

/** Where the upright picture's pixel (x, y) is stored, by the table of the TIFF 6.0 specification, tag Orientation. */
const STORED_AT: Readonly<Record<number, (x: number, y: number, w: number, h: number) => [number, number]>> = {
  1: (x, y) => [x, y],
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, _, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _, h) => [y, h - 1 - x],
  7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
  8: (x, y, w) => [w - 1 - y, x],
};

function turned({ width, height, pixels }: Picture, orientation: number): Picture {
  const [w, h] = orientation >= 5 ? [height, width] : [width, height];
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [fromX, fromY] = STORED_AT[orientation]!(x, y, width, height);
      out.set(pixels.subarray((fromY * width + fromX) * 3, (fromY * width + fromX) * 3 + 3), (y * w + x) * 3);
    }
  }
  return { width: w, height: h, pixels: out };
}

describe.each(['jpeg', 'png', 'webp'] as const)('%s', (format) => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    test(`orientation ${orientation}`, async () => {
      const picture = (await drawBlobs(1, WIDTH, HEIGHT)).withMetadata({ orientation });
      const path = put(`${orientation}.${format}`, await picture.toFormat(format).toBuffer());
      const stored = await decode(path, { ignoreOrientation: true });
      expect([stored.width, stored.height]).toEqual([WIDTH, HEIGHT]);
      const expected = turned(stored, orientation);
      const found = await decode(path);
      expect([found.width, found.height]).toEqual([expected.width, expected.height]);
      expect(Buffer.compare(found.pixels, expected.pixels)).toBe(0);
      expect(await readSize(path)).toEqual({ width: found.width, height: found.height });
      expect(await readSize(path, { ignoreOrientation: true })).toEqual({ width: WIDTH, height: HEIGHT });
    });
  }
});

test('a JPEG in inks is turned too', async () => {
  const picture = (await drawBlobs(2, WIDTH, HEIGHT)).withMetadata({ orientation: 6 }).toColourspace('cmyk');
  const path = put('inks.jpg', await picture.jpeg().toBuffer());
  const expected = turned(await decode(path, { ignoreOrientation: true }), 6);
  expect(Buffer.compare((await decode(path)).pixels, expected.pixels)).toBe(0);
});

/** The colour near a corner, roughly: r, g, b or a for none of them. */
function corner({ width, height, pixels }: Picture, right: boolean, bottom: boolean): string {
  const at = ((bottom ? height - 4 : 3) * width + (right ? width - 4 : 3)) * 3;
  const [r, g, b] = pixels.subarray(at, at + 3) as unknown as [number, number, number];
  return r > 2 * g && r > 2 * b ? 'r' : g > 2 * r && g > 2 * b ? 'g' : b > 2 * r && b > 2 * g ? 'b' : 'a';
}

const corners = (picture: Picture) => [0, 1, 2, 3].map((i) => corner(picture, (i & 1) === 1, (i & 2) === 2)).join('');

describe('HEIC, of one tile as iPhones have many', () => {
  const path = (name: string) => `${GOLDEN_FOLDER}heic/${name}.heic`;

  test('upright', async () => {
    const picture = await decode(path('upright'));
    expect([picture.width, picture.height, corners(picture)]).toEqual([64, 48, 'rgba']);
    expect(await readSize(path('upright'))).toEqual({ width: 64, height: 48 });
  });

  test.each([false, true])(
    'turned by its container, whether EXIF is ignored (%s) or not',
    async (ignoreOrientation) => {
      const picture = await decode(path('turned'), { ignoreOrientation });
      expect([picture.width, picture.height, corners(picture)]).toEqual([48, 64, 'brag']);
    },
  );

  test('a damaged one is refused, with how to export it', async () => {
    const bytes = readFileSync(path('upright'));
    for (const cut of [600, 400, 100, 20]) {
      await expect(decode(put('cut.heic', bytes.subarray(0, cut)))).rejects.toThrow(/^\S+cut\.heic: [^\n]+$/);
    }
    await expect(decode(put('cut.heic', bytes.subarray(0, 600)))).rejects.toThrow(/Most Compatible/);
    // The decoder is as good as before.
    expect((await decode(path('upright'))).width).toBe(64);
  });

  test('its size is checked before anything is decoded, and so is that of each tile', async () => {
    await expect(decode(path('upright'), { maxPixels: 3000 })).rejects.toThrow(/64×64 pixels are more than the limit/);
    const bytes = readFileSync(path('upright'));
    bytes.writeUInt32BE(100_000, bytes.indexOf('ispe') + 8);
    await expect(readSize(put('vast.heic', bytes))).resolves.toEqual({ width: 64, height: 48 });
    bytes.writeUInt32BE(100_000, bytes.indexOf('ispe') + 12);
    await expect(readSize(put('vast.heic', bytes))).rejects.toThrow(/100000×100000 pixels are more than the limit/);
  });
});

describe('AVIF', () => {
  test('is read, and turned by its container', async () => {
    const sharp = await loadSharp();
    const drawn = await decode(`${GOLDEN_FOLDER}heic/upright.heic`);
    const { width, height, pixels } = drawn;
    const write = (orientation: number) =>
      sharp(pixels, { raw: { width, height, channels: 3 } })
        .withMetadata({ orientation })
        .avif({ quality: 90 })
        .toBuffer();
    const upright = await decode(put('upright.avif', await write(1)));
    expect([upright.width, upright.height, corners(upright)]).toEqual([64, 48, 'rgba']);
    const path = put('turned.avif', await write(6));
    const side = await decode(path);
    expect([side.width, side.height, corners(side)]).toEqual([48, 64, 'brag']);
    expect(await readSize(path)).toEqual({ width: 48, height: 64 });
    await expect(decode(path, { maxPixels: 3000 })).rejects.toThrow(/64×48 pixels are more than the limit/);
  });
});
