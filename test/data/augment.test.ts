/** Augmentations against torchvision on Pillow pictures: every byte equal for given draws, every draw for a given seed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Jitter, jitter } from '../../src/data/augment/color-jitter.ts';
import { drawErasing, erase } from '../../src/data/augment/random-erasing.ts';
import { applyTrivial, drawTrivial, TRIVIAL_NAMES, type TrivialOp } from '../../src/data/augment/trivial-augment.ts';
import {
  DataLoader,
  DecoderPool,
  drawEpoch,
  drawMix,
  Generator,
  ImageFolder,
  mixPictures,
  type Picture,
  type Policy,
} from '../../src/data/index.ts';
import { GOLDEN_FOLDER, goldenPicture, sha256 } from './support.ts';

const golden: {
  ops: (TrivialOp & { square: boolean; sha256: string })[];
  jitters: (Jitter & { sha256: string })[];
  epochs: Record<Policy, { batches: { sha256: string; share: number }[]; next: number }>;
} = JSON.parse(readFileSync(new URL('../golden/data-augment.json', import.meta.url), 'utf8'));

const whole = await goldenPicture('rgb.png');
const copy = ({ pixels, ...size }: Picture): Picture => ({ ...size, pixels: new Uint8Array(pixels) });
/** The left upper corner, as high as wide. */
function squareOf({ width, height, pixels }: Picture): Picture {
  const rows = Array.from({ length: height }, (_, y) => [...pixels.subarray(y * width * 3, (y * width + height) * 3)]);
  return { width: height, height, pixels: Uint8Array.from(rows.flat()) };
}

describe('operations', () => {
  test.each(TRIVIAL_NAMES)('%s', (name) => {
    const cases = golden.ops.filter((op) => op.name === name);
    expect(cases.length).toBeGreaterThan(0);
    for (const { square, sha256: expected, ...op } of cases) {
      const picture = square ? squareOf(whole) : copy(whole);
      applyTrivial(picture, op);
      expect(sha256(picture.pixels), `${name} ${op.magnitude}`).toBe(expected);
    }
  });

  test('ColorJitter, in the drawn order', () => {
    for (const { sha256: expected, ...drawn } of golden.jitters) {
      const picture = copy(whole);
      jitter(picture, drawn);
      expect(sha256(picture.pixels)).toBe(expected);
      const backwards = copy(whole);
      jitter(backwards, { ...drawn, order: drawn.order.toReversed() });
      expect(sha256(backwards.pixels)).not.toBe(expected);
    }
  });

  test('pictures of one pixel', () => {
    const generator = new Generator(0);
    for (let i = 0; i < 200; i++) {
      const picture = { width: 1, height: 1, pixels: Uint8Array.of(10, 200, 30) };
      applyTrivial(picture, drawTrivial(generator));
      expect(picture.pixels).toHaveLength(3);
    }
  });

  test('erasing changes its rectangle alone', () => {
    const values = new Float32Array(2 * 3 * 49).fill(1);
    erase(values, 3 * 49, 7, { top: 1, left: 2, height: 3, width: 4 });
    expect(values.subarray(0, 3 * 49).every((value) => value === 1)).toBe(true);
    const zeros = Array.from(values.subarray(3 * 49).entries()).filter(([, value]) => value === 0);
    expect(zeros.map(([at]) => at)).toEqual(
      [0, 1, 2].flatMap((c) => [1, 2, 3].flatMap((y) => [2, 3, 4, 5].map((x) => c * 49 + y * 7 + x))),
    );
  });

  test('erasing is as frequent as asked, and leaves a border', () => {
    const generator = new Generator(1);
    const boxes = Array.from({ length: 1000 }, () => drawErasing(generator, 33, 0.25));
    const drawn = boxes.filter((box) => box !== undefined);
    expect(drawn.length).toBeGreaterThan(200);
    expect(drawn.length).toBeLessThan(300);
    for (const { top, left, height, width } of drawn) {
      expect(Math.max(height, width)).toBeLessThan(33);
      expect(Math.max(top + height, left + width)).toBeLessThanOrEqual(33);
    }
  });
});

describe('two epochs as torch loads them, with mixup', () => {
  const dataset = new ImageFolder(join(GOLDEN_FOLDER, 'folder'));
  const loaderOf = (augment: Policy, generator: Generator) =>
    new DataLoader(dataset, {
      ...{ batchSize: 5, shuffle: true, generator, workers: 2, mixup: 0.4, pool: new DecoderPool(0) },
      transform: { kind: 'train', size: 40, augment },
    });

  test.each(['light', 'strong'] as const)('%s', async (augment) => {
    const generator = new Generator(3);
    const loader = loaderOf(augment, generator);
    const { batches, next } = golden.epochs[augment];
    const found: object[] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      for await (const { images, mix } of loader) found.push({ sha256: sha256(images), share: mix });
    }
    expect(found).toEqual(batches);
    expect(generator.rand()).toBe(next);
  });

  test('an epoch from its second batch on, and one that is left early', async () => {
    const { batches } = golden.epochs.strong;
    const resumed = loaderOf('strong', new Generator(3));
    const found: string[] = [];
    for await (const { images } of resumed.epoch(1)) found.push(sha256(images));
    expect(found).toEqual(batches.slice(1, batches.length / 2).map((batch) => batch.sha256));
    const shape = {
      count: 40,
      batchSize: 4,
      shuffle: true,
      workers: 0,
      sizes: new Int32Array(80).fill(50),
      mixup: 0.2,
    };
    const [whole, part] = [new Generator(1), new Generator(1)];
    const transform = { size: 32, augment: 'strong' } as const;
    const all = drawEpoch(whole, { ...shape, transform });
    const some = drawEpoch(part, { ...shape, transform, limit: 8 });
    expect(some).toEqual(all.slice(0, 8));
    expect(part.drawn).toBeLessThan(whole.drawn);
  });
});

test('a mixture of a batch: each picture with the one before it', () => {
  const images = Float32Array.of(1, 2, 10, 20, 100, 200);
  mixPictures(images, 3, 0.75);
  expect([...images]).toEqual([25.75, 51.5, 7.75, 15.5, 77.5, 155]);
});

test('shares lie between 0 and 1, also for alphas that float32 takes for 0', () => {
  const generator = new Generator(0);
  for (const alpha of [1e-300, 1e-6, 0.2, 1, 50, 1000]) {
    const shares = Array.from({ length: 200 }, () => drawMix(generator, alpha));
    expect(shares.every((share) => share > 0 && share < 1)).toBe(true);
  }
});
