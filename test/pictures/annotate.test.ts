/** Captions under a picture. */
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { annotatePicture } from '../../src/pictures/index.ts';
import { HARD_NAMES, hasWhiteEdge, noise, pixelsOf, plain } from './support.ts';

test('a picture that fits keeps its pixels, and each line of the caption is below it', async () => {
  const picture = noise(800, 600);
  const [none, one, five] = await Promise.all(
    [0, 1, 5].map(async (count) => pixelsOf(await annotatePicture(picture, Array(count).fill('ants 98.3 %')))),
  );
  for (const drawn of [none!, one!, five!]) {
    expect(drawn.width).toBe(40 + 800 + 40);
    expect(drawn.at(40, 40)).toEqual([...picture.pixels.subarray(0, 3)]);
    expect(drawn.at(839, 639)).toEqual([...picture.pixels.subarray(-3)]);
  }
  expect(none!.height).toBeLessThan(one!.height);
  expect(one!.height).toBeLessThan(five!.height);
  /** Number of stretches of inked rows below the picture. */
  const lines = ({ width, height, grey }: typeof one & object) => {
    const inked = Array.from({ length: height - 641 }, (_, y) =>
      Array.from({ length: width }, (_, x) => grey(x, 641 + y)).some((value) => value < 128),
    );
    return inked.filter((value, i) => value && !inked[i - 1]).length;
  };
  expect([lines(none!), lines(one!), lines(five!)]).toEqual([0, 1, 5]);
});

test.each([
  ['large', 3000, 1500, 40 + 960 + 40, 960],
  ['small', 500, 250, 40 + 720 + 40, 720],
  ['tiny', 16, 10, 40 + 720 + 40, 720],
  ['narrow', 30, 900, 40 + 720 + 40, 30],
])('a %s picture', async (_, width, height, canvasWidth, drawnWidth) => {
  const drawn = await pixelsOf(
    await annotatePicture({ ...plain(1), width, height, pixels: new Uint8Array(width * height * 3) }, ['x 1.0 %']),
  );
  expect(drawn.width).toBe(canvasWidth);
  // Black from the margin on, as wide as it should be, then white.
  expect(drawn.grey(40, 60)).toBeLessThan(5);
  expect(drawn.grey(40 + drawnWidth - 1, 60)).toBeLessThan(5);
  expect(drawn.grey(40 + drawnWidth + 1, 60)).toBe(255);
});

test('hard names stay within the picture, and their captions differ', async () => {
  const drawn = await Promise.all(HARD_NAMES.map((name) => annotatePicture(plain(64), [`${name} 1.0 %`, name])));
  for (const png of drawn) expect(hasWhiteEdge(await pixelsOf(png))).toBe(true);
  expect(new Set(drawn.map(String)).size).toBe(HARD_NAMES.length);
});

test('the result is a PNG of twice the usual density', async () => {
  const { format, density } = await sharp(await annotatePicture(plain(8), ['x'])).metadata();
  expect({ format, density }).toEqual({ format: 'png', density: 144 });
});
