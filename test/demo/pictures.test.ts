/** The demo's pictures: the same for a seed, all different, and with classes that colour does not tell apart. */
import { beforeAll, expect, test } from 'vitest';
import { DEMO_CLASSES, DEMO_COUNTS, DEMO_SETTINGS } from '../../src/demo/index.ts';
import { drawPictures, PICTURE_SIDE, pictureFiles } from '../../src/demo/pictures.ts';
import { numberSettings } from '../../src/plan/index.ts';
import { bestThreshold, type Drawn, drawn, meanColour } from './support.ts';

const COUNTS = { train: 110, val: 40 };
let pictures: Drawn[];
let ants: Drawn[];
let bees: Drawn[];

beforeAll(async () => {
  pictures = await Promise.all([...drawPictures(0, COUNTS)].map(drawn));
  ants = pictures.filter(({ className }) => className === 'ants');
  bees = pictures.filter(({ className }) => className === 'bees');
}, 60_000);

test('each class has as many pictures as requested, train before val', () => {
  const files = pictures.map(({ file }) => file);
  expect(files).toEqual(pictureFiles(COUNTS));
  for (const name of DEMO_CLASSES) {
    expect(files.filter((file) => file.startsWith(`train/${name}/`))).toHaveLength(COUNTS.train);
    expect(files.filter((file) => file.startsWith(`val/${name}/`))).toHaveLength(COUNTS.val);
  }
  expect(files.slice(-2)).toEqual(['val/ants/039.png', 'val/bees/039.png']);
});

test('no two pictures are equal, in train, in val, or between them', () => {
  const texts = pictures.map(({ pixels }) => Buffer.from(pixels).toString('latin1'));
  expect(new Set(texts).size).toBe(texts.length);
});

test('a seed determines every picture, and another seed gives others', () => {
  const svgs = (seed: number) => [...drawPictures(seed, { train: 6, val: 4 })].map(({ svg }) => svg);
  expect(svgs(3)).toEqual(svgs(3));
  const [first, second] = [svgs(3), new Set(svgs(4))];
  expect(first.filter((svg) => second.has(svg))).toEqual([]);
});

test('the first pictures of a longer set are those of a shorter one', () => {
  const [short, long] = [2, 5].map((train) => [...drawPictures(1, { train, val: 0 })]);
  expect(long!.slice(0, 4)).toEqual(short);
});

test('the insect, and nothing else, differs between the two pictures of a scene', () => {
  for (const [i, ant] of ants.entries()) {
    const bee = bees[i]!;
    let different = 0;
    for (let k = 0; k < ant.pixels.length; k += 3) {
      const apart = [0, 1, 2].map((c) => Math.abs(ant.pixels[k + c]! - bee.pixels[k + c]!));
      if (Math.max(...apart) > 20) different++;
    }
    const share = different / PICTURE_SIDE ** 2;
    expect(share, `${ant.file} and ${bee.file}`).toBeGreaterThan(0.08);
    expect(share, `${ant.file} and ${bee.file}`).toBeLessThan(0.45);
  }
});

const MEASURES = ['red', 'green', 'blue', 'brightness'];

/** The best accuracies by red, green, blue and brightness. */
function accuraciesByColour(change: (drawing: Drawn) => number[] = ({ pixels }) => meanColour(pixels)): number[] {
  const colours = pictures.map(change);
  const isBee = pictures.map(({ className }) => className === 'bees');
  return MEASURES.map((_, k) =>
    bestThreshold(
      colours.map((colour) => colour[k]!),
      isBee,
    ),
  );
}

test('mean colour and brightness do not tell ants from bees', () => {
  // 0.5 would be chance, but the best of many thresholds on 300 pictures is a little above.
  for (const [k, accuracy] of accuraciesByColour().entries()) expect(accuracy, MEASURES[k]).toBeLessThan(0.6);
});

test('slightly yellower bees would be detected', () => {
  const accuracies = accuraciesByColour(({ className, pixels }) => {
    const [red, green, blue, brightness] = meanColour(pixels) as [number, number, number, number];
    return className === 'bees' ? [red + 20, green + 20, blue, brightness + 15] : [red, green, blue, brightness];
  });
  expect(accuracies[0]).toBeGreaterThan(0.6);
  expect(accuracies[1]).toBeGreaterThan(0.6);
});

test('bestThreshold finds the best accuracy', () => {
  expect(bestThreshold([1, 2, 3, 4], [false, false, true, true])).toBe(1);
  expect(bestThreshold([1, 2, 3, 4], [true, true, false, false])).toBe(1);
  expect(bestThreshold([1, 2, 3, 4], [false, true, false, true])).toBe(0.75);
  expect(bestThreshold([1, 1, 1, 1], [false, true, false, true])).toBe(0.5);
});

test('a run accepts the settings, and the pictures fill whole batches', () => {
  expect(numberSettings(DEMO_SETTINGS)).toMatchObject(DEMO_SETTINGS);
  expect((DEMO_COUNTS.train * DEMO_CLASSES.length) % DEMO_SETTINGS.batchSize).toBe(0);
  expect(PICTURE_SIDE).toBeGreaterThan(DEMO_SETTINGS.imageSize);
});
