/** Grids of pictures: their pixels, their titles, and the marks of right and wrong predictions. */
import { expect, test } from 'vitest';
import { normalize, type Picture } from '../../src/data/index.ts';
import { pictureOf } from '../../src/pictures/batch-pictures.ts';
import type { Canvas } from '../../src/pictures/canvas.ts';
import { type Prediction, predictionsCanvas } from '../../src/pictures/predictions.ts';
import { enlarge } from '../../src/pictures/scale.ts';
import { trainBatchCanvas } from '../../src/pictures/train-batch.ts';
import { HARD_NAMES, hasWhiteEdge, noise, type Pixels, pixelsOf, plain, samePixels } from './support.ts';

test('pictureOf gives back exactly the bytes that were normalised', () => {
  const side = 32;
  const [first, second] = [noise(side, side, 1), noise(side, side, 2)];
  // All values of a byte.
  for (let i = 0; i < 256 * 3; i++) first.pixels[i] = Math.floor(i / 3);
  const images = new Float32Array(2 * 3 * side * side);
  normalize(first.pixels, side, false, images, 0);
  normalize(second.pixels, side, true, images, 3 * side * side);
  expect(samePixels(pictureOf(images, 2, 0), first)).toBe(true);
  expect(samePixels(pictureOf(images, 2, 1), { ...second, pixels: mirrored(second) })).toBe(true);
});

function mirrored({ width, height, pixels }: Picture): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) out[(y * width + x) * 3 + c] = pixels[(y * width + width - 1 - x) * 3 + c]!;
    }
  }
  return out;
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `class-${i}`);
const batchOf = (classNames: readonly string[], side = 32, size = classNames.length) =>
  trainBatchCanvas({
    pictures: classNames.map((className, i) => ({ picture: noise(side, side, i), className })),
    size,
  });

test('a cell shows every pixel of its picture, enlarged by a whole factor', async () => {
  for (const [side, factor] of [
    [32, 14],
    [224, 2],
    [299, 1],
    [448, 1],
  ] as const) {
    const canvas = await batchOf(names(2), side);
    const drawn = await pixelsOf(await canvas.png());
    expect([drawn.width, drawn.height]).toEqual([canvas.width * 2, canvas.height * 2]);
    canvas.pictures.forEach(({ picture, left, top }, i) => {
      expect(samePixels(picture, enlarge(noise(side, side, i), factor))).toBe(true);
      expect(samePixels(cut(drawn, left, top, side * factor), picture)).toBe(true);
    });
  }
});

test('pictures too large for a cell are reduced', async () => {
  const canvas = await batchOf(names(2), 700);
  expect(canvas.pictures.map(({ picture }) => [picture.width, picture.height])).toEqual([
    [448, 448],
    [448, 448],
  ]);
});

function cut({ width, pixels }: Pixels, left: number, top: number, side: number): Picture {
  const rows = Array.from({ length: side }, (_, y) => {
    const from = ((top + y) * width + left) * 3;
    return pixels.subarray(from, from + side * 3);
  });
  return { width: side, height: side, pixels: Buffer.concat(rows) };
}

test('enlarging repeats pixels', () => {
  const picture = { width: 2, height: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const row = [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6];
  expect(enlarge(picture, 2)).toEqual({ width: 4, height: 2, pixels: Uint8Array.from([...row, ...row]) });
});

test.each([1, 2, 4, 5, 16])('a batch of %i: each picture has its class above it, and none overlap', async (count) => {
  const canvas = await batchOf(names(count));
  expect(canvas.pictures).toHaveLength(count);
  const side = 448 / 2;
  const places = canvas.pictures.map(({ left, top }) => ({ left: left / 2, top: top / 2 }));
  places.forEach(({ left, top }, i) => {
    const title = canvas.texts.find(({ text }) => text === `class-${i}`)!;
    expect(title.box!.left).toBeGreaterThanOrEqual(left);
    expect(title.box!.right).toBeLessThanOrEqual(left + side);
    expect(title.box!.bottom).toBeLessThan(top);
    expect(title.box!.top).toBeGreaterThan(top - 40);
    for (const other of places.slice(0, i)) {
      expect(Math.abs(other.left - left) >= side + 10 || Math.abs(other.top - top) >= side + 40).toBe(true);
    }
  });
  // At most four in a row.
  expect(new Set(places.map(({ left }) => left)).size).toBe(Math.min(4, count));
  expectAllTextDrawn(canvas);
  expect(hasWhiteEdge(await pixelsOf(await canvas.png()))).toBe(true);
});

/** Every line of text is an outline within the canvas, and the SVG needs no font. */
function expectAllTextDrawn(canvas: Canvas): void {
  const svg = canvas.svg();
  expect(svg).not.toMatch(/<text|font-family/);
  expect(svg.match(/<path /g)).toHaveLength(canvas.texts.filter(({ box }) => box).length);
  for (const { text, box } of canvas.texts) {
    if (!box) continue;
    const inside =
      box.left >= 20 && box.top >= 20 && box.right <= canvas.width - 20 && box.bottom <= canvas.height - 20;
    expect([text, inside]).toEqual([text, true]);
  }
}

test('a batch that is shown in part says so', async () => {
  const texts = (canvas: Canvas) => canvas.texts.map(({ text }) => text).join('\n');
  expect(texts(await batchOf(names(16), 32, 32))).toContain('16 of its 32 pictures');
  expect(texts(await batchOf(names(4)))).not.toContain('pictures');
});

test('hard names break nothing', async () => {
  const canvas = await batchOf(HARD_NAMES);
  expectAllTextDrawn(canvas);
  const texts = canvas.texts.map(({ text }) => text);
  expect(texts).toContain('<script>alert("1")</script>');
  expect(texts.find((text) => text.startsWith('golden'))).toMatch(/^golden_retr.*….+$/);
  expect(hasWhiteEdge(await pixelsOf(await canvas.png()))).toBe(true);
});

const prediction = (predicted: string, actual: string, probability = 0.983): Prediction => ({
  picture: plain(32),
  predicted,
  actual,
  probability,
});

test('predictions have the tutorial’s titles, and wrong ones name the right class', async () => {
  const canvas = await predictionsCanvas({
    predictions: [prediction('ants', 'ants'), prediction('bees', 'ants', 0.5219), prediction('bees', 'bees', 1)],
    by: 'by somebody',
  });
  expect(canvas.texts.map(({ text }) => text)).toEqual([
    'Predictions on val',
    'by somebody: here 2 of 3 right',
    'predicted: ants',
    '✓ 98.3 % sure',
    'predicted: bees',
    '✗ 52.2 % sure; is: ants',
    'predicted: bees',
    '✓ 100.0 % sure',
  ]);
  expectAllTextDrawn(canvas);
});

test('right and wrong differ without colour, by frame and mark', async () => {
  const canvas = await predictionsCanvas({ predictions: [prediction('a', 'a'), prediction('a', 'b')], by: 'by x' });
  const { grey } = await pixelsOf(await canvas.png());
  const [right, wrong] = canvas.pictures;
  const side = 448;
  /** Grey values along a line within the frame, above the picture. */
  const above = ({ left, top }: { left: number; top: number }, distance: number) =>
    Array.from({ length: side }, (_, i) => grey(left + i, top - distance));
  // A wrong one has a broad, dark, dashed frame; a right one has only a hairline.
  for (const distance of [4, 6, 8]) {
    expect(Math.min(...above(right!, distance))).toBeGreaterThan(250);
    const frame = above(wrong!, distance);
    const dark = frame.filter((value) => value < 100).length / side;
    expect(dark).toBeGreaterThan(0.5);
    expect(dark).toBeLessThan(0.8);
    expect(frame.filter((value) => value > 250).length / side).toBeGreaterThan(0.2);
  }
  expect(Math.min(...above(right!, 1))).toBeGreaterThan(150);
});

test('long names keep the words around them', async () => {
  const long = HARD_NAMES[1];
  const canvas = await predictionsCanvas({ predictions: [prediction(long, 'b'), prediction('b', long)], by: 'by x' });
  const texts = canvas.texts.map(({ text }) => text);
  expect(texts[2]).toMatch(/^predicted: golden.*….*icture$/);
  expect(texts[5]).toMatch(/^✗ 98\.3 % sure; is: gol.*….+$/);
  expectAllTextDrawn(canvas);
});
