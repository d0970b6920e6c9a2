/** Decoded pixels against Pillow's, and the errors of files that cannot be decoded. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode, loadSharp, MAX_PIXELS, readSize } from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import { NUMBER_OPTIONS } from '../../src/plan/index.ts';
import { GOLDEN_FOLDER, golden, goldenPicture, sha256 } from './support.ts';

describe('decode gives the pixels that Pillow gives', () => {
  for (const [name, { width, height, sha256: expected }] of Object.entries(golden.decoded)) {
    test(name, async () => {
      const picture = await goldenPicture(name);
      expect([picture.width, picture.height, picture.pixels.length]).toEqual([width, height, width * height * 3]);
      expect(sha256(picture.pixels)).toBe(expected);
      const options = { ignoreOrientation: true };
      expect(await readSize(`${GOLDEN_FOLDER}pictures/${name}`, options)).toEqual({ width, height });
    });
  }
});

describe('decode refuses', () => {
  const cases: [string, RegExp][] = [
    ['broken/no-end-marker.jpg', /truncated or damaged/],
    ['broken/half.jpg', /truncated or damaged/],
    ['broken/half.png', /truncated or damaged/],
    ['broken/half.bmp', /truncated/],
    ['broken/text.jpg', /not a picture in a known format/],
    ['no-such.jpg', /is missing/],
  ];
  for (const [name, message] of cases) {
    test(`${name}, naming the file`, async () => {
      const path = `${GOLDEN_FOLDER}${name}`;
      const error = await decode(path).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FileError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message.startsWith(`${path}: `)).toBe(true);
    });
  }
});

describe('files from strangers', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dawngrad-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function put(name: string, content: string | Buffer): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }

  async function refused(path: string, message: RegExp, options?: { maxPixels: number }): Promise<void> {
    for (const read of [decode, readSize]) {
      const error = await read(path, options).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FileError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toContain('\n');
    }
  }

  const drawing = (side: number) => `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"/>`;

  test('a drawing is no picture, whatever its name', async () => {
    for (const text of [drawing(10), `<?xml version="1.0"?>${drawing(10)}`, `  ${drawing(10)}`]) {
      await refused(
        put('a.jpg', text),
        /not a picture in a known format \(JPEG, PNG, WebP, AVIF, HEIC, TIFF, GIF, BMP, PNM\)/,
      );
    }
  });

  test('nor are pictures in formats that are not named', async () => {
    await refused(put('a.mov', '\0\0\0\x14ftypqt  \0\0\0\0qt  '), /not a picture in a known format/);
    await refused(put('b.png', '%PDF-1.4\n'), /not a picture in a known format/);
    await refused(put('c.webp', 'RIFF\0\0\0\0WAVE'), /not a picture in a known format/);
    await refused(put('d.jpg', ''), /the file is empty/);
  });

  test('the name says nothing about the format', async () => {
    const path = join(folder, 'photo.bmp');
    copyFileSync(`${GOLDEN_FOLDER}pictures/${Object.keys(golden.decoded).find((name) => name.endsWith('.png'))}`, path);
    expect((await decode(path)).pixels.length).toBeGreaterThan(0);
  });

  test('a picture of more pixels than the limit is refused before it is decoded', async () => {
    const path = put('flat.png', await flatPng(3000, 1000));
    await refused(path, /3000×1000 pixels are more than the limit of 2999999\. If you trust it, raise maxPixels/, {
      maxPixels: 2_999_999,
    });
    expect((await decode(path, { maxPixels: 3_000_000 })).width).toBe(3000);
    await refused(put('bomb.bmp', bombBmp(20_000)), /400000000 pixels|20000×20000 pixels are more than the limit of/);
  });

  test("the limit is Pillow's, also as an option of the commands", () => {
    expect(MAX_PIXELS).toBe(178_956_970);
    expect(NUMBER_OPTIONS.maxPixels.default).toBe(MAX_PIXELS);
  });

  test('a file far larger than its picture may be is not read', async () => {
    const path = put('large.ppm', 'P6 1 1 255 abc');
    truncateSync(path, 2 ** 27);
    await refused(path, /134217728 bytes are more than a picture of at most 1000 pixels needs/, { maxPixels: 1000 });
  });

  test('a pipe, a socket, a device and a folder are refused at once', async () => {
    const pipe = join(folder, 'pipe.jpg');
    execFileSync('mkfifo', [pipe]);
    await refused(pipe, /pipe.jpg: expected a regular file with a picture, found a named pipe/);
    const socket = join(folder, 'socket.jpg');
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once('listening', resolve));
    await refused(socket, /socket.jpg: expected a regular file with a picture, found a socket/);
    server.close();
    await refused('/dev/zero', /zero: expected a regular file with a picture, found a device/);
    await refused(folder, /expected a regular file with a picture, found a folder/);
  });

  test('a path that is not UTF-8 is opened, and escaped in messages', async () => {
    const name = `${folder}/`;
    const bytes = Buffer.concat([Buffer.from(name), Buffer.of(0xff), Buffer.from('.ppm')]);
    writeFileSync(bytes, 'P6 1 1 255 abc');
    expect((await decode(`${name}\udcff.ppm`)).pixels).toEqual(Uint8Array.from(Buffer.from('abc')));
    writeFileSync(bytes, 'P6 1 1 255 ab');
    await expect(decode(`${name}\udcff.ppm`)).rejects.toThrow(`${name}\\xff.ppm: `);
  });

  test('a progressive JPEG without its last scans is refused', async () => {
    const sharp = await loadSharp();
    const noise = Buffer.from(Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 7919) % 251));
    const raw = { raw: { width: 32, height: 32, channels: 3 } } as const;
    const whole = await sharp(noise, raw).jpeg({ progressive: true }).toBuffer();
    expect((await decode(put('whole.jpg', whole))).width).toBe(32);
    const lastScan = whole.lastIndexOf(Buffer.of(0xff, 0xda));
    const less = Buffer.concat([whole.subarray(0, lastScan), Buffer.of(0xff, 0xd9)]);
    await refused(put('less.jpg', less), /this progressive JPEG lacks its last scans/);
  });

  test('a PNG whose greys have 16 bits is clipped at 255, as in Pillow', async () => {
    const sharp = await loadSharp();
    const raw = { raw: { width: 3, height: 1, channels: 1 } } as const;
    const values = Uint16Array.of(0, 200, 60_000);
    const png = await sharp(values, raw).toColourspace('grey16').png().toBuffer();
    expect([...(await decode(put('deep.png', png))).pixels]).toEqual([0, 0, 0, 200, 200, 200, 255, 255, 255]);
  });
});

async function flatPng(width: number, height: number): Promise<Buffer> {
  const sharp = await loadSharp();
  return sharp({ create: { width, height, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
}

/** A header that promises `side` × `side` pixels, in 14 + 40 bytes. */
function bombBmp(side: number): Buffer {
  const bytes = Buffer.alloc(54);
  bytes.write('BM');
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(side, 18);
  bytes.writeInt32LE(side, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  return bytes;
}
