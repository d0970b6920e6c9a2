/** Decoded pixels against Pillow's, and the errors of files that cannot be decoded. */
import { describe, expect, test } from 'vitest';
import { decode, readSize } from '../../src/data/index.ts';
import { FileError } from '../../src/errors.ts';
import { GOLDEN_FOLDER, golden, goldenPicture, sha256 } from './support.ts';

describe('decode gives the pixels that Pillow gives', () => {
  for (const [name, { width, height, sha256: expected }] of Object.entries(golden.decoded)) {
    test(name, async () => {
      const picture = await goldenPicture(name);
      expect([picture.width, picture.height, picture.pixels.length]).toEqual([width, height, width * height * 3]);
      expect(sha256(picture.pixels)).toBe(expected);
      expect(await readSize(`${GOLDEN_FOLDER}pictures/${name}`)).toEqual({ width, height });
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
