/** Pictures as other networks than the tutorial's take them, against Pillow and torchvision: every byte and float equal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  centerCrop,
  DataLoader,
  decode,
  drawCrop,
  Generator,
  ImageFolder,
  normalize,
  type Picture,
  resize,
  resizedCrop,
  resizeShorterSide,
  trainTransform,
  valCrop,
  valTransform,
} from '../../src/data/index.ts';
import type { InputSpec } from '../../src/input-spec.ts';
import { pictureOf } from '../../src/pictures/index.ts';
import { drawPictures, temporaryFolder } from '../train/support.ts';
import { GOLDEN_FOLDER, goldenPicture, sha256 } from './support.ts';

/** Made by make-golden-input.py. */
const golden = JSON.parse(readFileSync(`${GOLDEN_FOLDER}../data-input.json`, 'utf8')) as {
  readonly resize: readonly {
    readonly picture: string;
    /** top, left, height, width */
    readonly box: readonly [number, number, number, number];
    /** height, width */
    readonly size: readonly [number, number];
    readonly sha256: string;
  }[];
  readonly val: readonly {
    readonly picture: string;
    readonly input: InputSpec;
    readonly pixels: string;
    readonly values: string;
  }[];
};

/** A golden picture, or one of black and white in an irregular order: `40x23`. */
async function pictureNamed(name: string): Promise<Picture> {
  const size = /^(\d+)x(\d+)$/.exec(name);
  if (!size) return goldenPicture(name);
  const [width, height] = [Number(size[1]), Number(size[2])];
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (((i * i * 31 + i * 7) >> 3) & 1) * 255);
  return { width, height, pixels };
}

describe('bicubic', () => {
  test.each(golden.resize)('$picture $box to $size is Pillow’s', async ({ picture, box, size, sha256: expected }) => {
    const { width, pixels } = await pictureNamed(picture);
    const [top, left, height, boxWidth] = box;
    const options = { interpolation: 'bicubic' } as const;
    const out = resize(pixels, width, { top, left, height, width: boxWidth }, size[1], size[0], options);
    expect(sha256(out)).toBe(expected);
  });

  test('a window is that part of the whole', async () => {
    const { width, height, pixels } = await pictureNamed('40x23');
    const box = { top: 0, left: 0, height, width };
    const [whole, window] = [undefined, { top: 11, left: 7, height: 9, width: 30 }].map((part) =>
      resize(pixels, width, box, 61, 33, { interpolation: 'bicubic', window: part }),
    );
    const rows = Array.from({ length: 9 }, (_, y) =>
      whole!.subarray(((11 + y) * 61 + 7) * 3, ((11 + y) * 61 + 37) * 3),
    );
    expect([...window!]).toEqual(rows.flatMap((row) => [...row]));
  });
});

describe('a network’s own input', () => {
  test.each(golden.val)('$picture: $input.resize, $input.crop, $input.interpolation', async (row) => {
    const { input } = row;
    const picture = await pictureNamed(row.picture);
    const transform = valTransform(input);
    const crop = valCrop(picture, transform);
    expect(sha256(crop)).toBe(row.pixels);
    const whole = resizeShorterSide(picture, input.resize, input.interpolation);
    expect(sha256(centerCrop(whole, input.crop))).toBe(row.pixels);
    const values = new Float32Array(3 * input.crop ** 2);
    normalize(crop, input.crop, false, values, 0, transform.statistics);
    expect(sha256(values)).toBe(row.values);
    expect(sha256(pictureOf(values, 1, 0, input).pixels)).toBe(row.pixels);
  });

  test('of one after another, each by its own statistics', () => {
    const [black, flat] = [Uint8Array.of(0, 0, 0), { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const];
    const valuesBy = (statistics?: typeof flat) => {
      const out = new Float32Array(3);
      normalize(black, 1, false, out, 0, statistics);
      return [...out];
    };
    const first = valuesBy();
    expect(valuesBy(flat)).toEqual([-1, -1, -1]);
    expect(valuesBy()).toEqual(first);
  });

  test('is what loaders give, from any number of threads and from the cache', async () => {
    const folder = await drawPictures(join(temporaryFolder(), 'data'));
    const input: InputSpec = {
      ...{ resize: 41, crop: 32, interpolation: 'bicubic' },
      ...{ mean: [0.5, 0.4, 0.3], std: [0.25, 0.5, 1] },
    };
    const dataset = new ImageFolder(join(folder, 'train'));
    const path = dataset.samples[0]!.path;
    const picture = await decode(path);
    const drawn = new Generator(0);
    // As the loader draws it, before the first crop: the iterator's seed.
    drawn.randomSeed();
    const { box, flip } = drawCrop(drawn, picture.width, picture.height);
    const expected = { train: new Float32Array(3 * 32 ** 2), val: new Float32Array(3 * 32 ** 2) };
    const cropped = resizedCrop(picture, box, { size: 32, interpolation: 'bicubic' }, new Uint8Array(3 * 32 ** 2));
    normalize(cropped, 32, flip, expected.train, 0, input);
    normalize(valCrop(picture, valTransform(input)), 32, false, expected.val, 0, input);
    for (const transform of [trainTransform(input), valTransform(input)]) {
      for (const threads of [0, 1]) {
        const only = { classes: dataset.classes, samples: [dataset.samples[0]!] };
        const generator = new Generator(0);
        const loader = new DataLoader(only, { batchSize: 1, shuffle: false, transform, generator, threads });
        for (const _ of ['decoded', 'cached']) {
          generator.copyFrom(new Generator(0));
          for await (const { images } of loader) expect([...images]).toEqual([...expected[transform.kind]]);
        }
        await loader.close();
      }
    }
  });
});
