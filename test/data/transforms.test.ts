/** Resize, crops and normalisation against Pillow and torchvision: every byte and every float equal. */
import { describe, expect, test } from 'vitest';
import {
  centerCrop,
  drawResizedCrop,
  Generator,
  normalize,
  resize,
  resizeShorterSide,
  type ValTransform,
  valCrop,
} from '../../src/data/index.ts';
import { golden, goldenPicture, sha256 } from './support.ts';

describe('the val crop resizes only what it shows', () => {
  const pixelsOf = (width: number, height: number) =>
    Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919 + (i >> 5)) % 256);
  const transforms: ValTransform[] = [
    { kind: 'val', size: 32, resize: 37 },
    { kind: 'val', size: 32, resize: 20 },
    { kind: 'val', size: 5, resize: 64 },
  ];
  for (const [width, height] of [
    [64, 20],
    [20, 64],
    [37, 37],
    [37, 64],
    [64, 37],
    [1, 9],
    [300, 3],
    [200, 150],
  ] as const) {
    test(`${width}×${height}: equal to the crop of the whole`, () => {
      const picture = { width, height, pixels: pixelsOf(width, height) };
      for (const transform of transforms) {
        const whole = centerCrop(resizeShorterSide(picture, transform.resize), transform.size);
        expect(valCrop(picture, transform)).toEqual(whole);
      }
    });
  }

  test('a picture of one column or row and a million pixels takes no more memory than others', () => {
    // Resized as a whole it would be 256 × 256,000,000. Its first half is black, its second white.
    const pixels = new Uint8Array(3_000_000).fill(255, 1_500_000);
    const [tall, wide] = [
      { width: 1, height: 1_000_000, pixels },
      { width: 1_000_000, height: 1, pixels },
    ].map((picture) => valCrop(picture, { kind: 'val', size: 224, resize: 256 }));
    // The crop shows 224/256 of the step from the last black pixel's centre to the first white one's.
    const steps = Array.from({ length: 224 }, (_, i) => Math.round((255 * (16 + i + 0.5)) / 256));
    expect(Array.from({ length: 224 }, (_, y) => tall![y * 224 * 3])).toEqual(steps);
    expect(Array.from({ length: 224 }, (_, x) => wide![x * 3])).toEqual(steps);
  });
});

describe('resize', () => {
  for (const { picture, box, size, sha256: expected, pixels } of golden.resize) {
    test(`${picture} [${box}] to ${size[1]}×${size[0]}`, async () => {
      const { width, pixels: source } = await goldenPicture(picture);
      const [top, left, height, boxWidth] = box;
      const out = resize(source, width, { top, left, height, width: boxWidth }, size[1], size[0]);
      if (pixels) expect([...out]).toEqual([...Buffer.from(pixels, 'base64')]);
      expect(sha256(out)).toBe(expected);
    });
  }

  test('pixels outside the box are never read', async () => {
    const { width, height, pixels } = await goldenPicture('rgb.png');
    const box = { top: 5, left: 9, height: 17, width: 20 };
    const masked = Uint8Array.from(pixels, (value, i) => {
      const x = ((i / 3) | 0) % width;
      const y = ((i / 3) | 0) / width;
      const inside = x >= box.left && x < box.left + box.width && y >= box.top && y < box.top + box.height;
      return inside ? value : 255 - value;
    });
    expect(height).toBe(31);
    expect(resize(masked, width, box, 40, 10)).toEqual(resize(pixels, width, box, 40, 10));
  });

  test('a scratch buffer left over from another picture changes nothing', async () => {
    const { width, height, pixels } = await goldenPicture('large.jpg');
    const whole = { top: 0, left: 0, height, width };
    const scratch = { rows: new Uint8Array(1_000_000).fill(77) };
    expect(resize(pixels, width, whole, 50, 60, { scratch })).toEqual(resize(pixels, width, whole, 50, 60));
  });
});

describe('val transform', () => {
  for (const { picture, size, resize, pixels, values } of golden.val) {
    test(`Resize(${resize}) CenterCrop(${size}) of ${picture}`, async () => {
      const transform: ValTransform = { kind: 'val', size, resize };
      const crop = valCrop(await goldenPicture(picture), transform);
      expect(sha256(crop)).toBe(pixels);
      const out = new Float32Array(3 * size * size);
      normalize(crop, size, false, out);
      expect(sha256(out)).toBe(values);
    });
  }

  for (const { picture, size, sha256: expected } of golden.centre) {
    test(`CenterCrop(${size}) of 45×31 pads with black`, async () => {
      const dirty = new Uint8Array(size * size * 3).fill(99);
      expect(sha256(centerCrop(await goldenPicture(picture), size, dirty))).toBe(expected);
    });
  }
});

describe('normalize', () => {
  const ramp = Uint8Array.from({ length: 256 * 3 }, (_, i) => (i / 3) | 0);

  test('all 256 values of each channel', () => {
    const bytes = Uint8Array.from(Buffer.from(golden.normalized, 'base64'));
    const out = new Float32Array(3 * 256);
    normalize(ramp, 16, false, out);
    expect(out).toEqual(new Float32Array(bytes.buffer));
  });

  test('flip mirrors rows; values before the offset stay', () => {
    const plain = new Float32Array(3 * 256);
    normalize(ramp, 16, false, plain);
    const flipped = new Float32Array(5 + 3 * 256).fill(-1);
    normalize(ramp, 16, true, flipped, 5);
    expect([...flipped.subarray(0, 5)]).toEqual([-1, -1, -1, -1, -1]);
    for (let row = 0; row < 48; row++) {
      const mirrored = flipped.slice(5 + row * 16, 5 + (row + 1) * 16).reverse();
      expect(mirrored).toEqual(plain.slice(row * 16, (row + 1) * 16));
    }
  });
});

test('crops of pictures of all shapes from one stream', () => {
  const generator = new Generator(7);
  for (const [width, height, top, left, h, w] of golden.crops) {
    expect(drawResizedCrop(generator, width, height)).toEqual({ top, left, height: h, width: w });
  }
});

test('normals in blocks: the draws are exact, the values within 2e-6 times the deviation', () => {
  for (const [count, expected] of Object.entries(golden.normals)) {
    const generator = new Generator(11);
    const values = generator.fillNormal(new Float32Array(Number(count)), 0.5, 2);
    // torch computes the blocks with AVX2 approximations of log, sin and cos; its own plain build differs as much.
    for (const [i, value] of values.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(4e-6);
    expect(generator.rand()).toBe(expected.at(-1));
  }
});
