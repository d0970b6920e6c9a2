/** The val transform on every picture against Pillow: once from Pillow's decoded pixels, once end to end with sharp. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, VAL_TRANSFORM, valCrop } from '../../src/data/index.ts';
import { all, type Row } from '../row.ts';
import { largestDifference, runScript } from '../tensors.ts';

interface PillowPicture {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly offset: number;
  readonly cropOffset: number;
}

const CROP_BYTES = 224 * 224 * 3;

export const valTransform: Row = {
  name: 'val-transform',
  title: 'the val transform of all pictures against Pillow',
  minutes: 1,
  ci: true,
  run: async (context) => {
    const output = join(context.scratch, 'pillow.bin');
    runScript(context, 'test/data/decode_with_pillow.py', [context.data, output]);
    const bytes = readFileSync(output);
    const pictures = JSON.parse(readFileSync(`${output}.json`, 'utf8')) as PillowPicture[];
    let [resizeDiffers, endToEndDiffers] = [0, 0];
    for (const { path, width, height, offset, cropOffset } of pictures) {
      const expected = bytes.subarray(cropOffset, cropOffset + CROP_BYTES);
      const pixels = bytes.subarray(offset, offset + width * height * 3);
      const fed = largestDifference(valCrop({ width, height, pixels }, VAL_TRANSFORM), expected);
      const ours = largestDifference(valCrop(await decode(join(context.data, path)), VAL_TRANSFORM), expected);
      if (fed > 0) resizeDiffers++;
      if (ours > 0) endToEndDiffers++;
      if (fed > 0 || ours > 0) console.log(`  ${path}: up to ${fed} apart from Pillow's pixels, ${ours} end to end`);
    }
    return [
      all('equal results from Pillow’s pixels', pictures.length - resizeDiffers, Math.max(397, pictures.length)),
      {
        what: 'end to end with sharp',
        figure: `${endToEndDiffers} of ${pictures.length} differ`,
        bar: 'no limit; differences are listed above',
        holds: true,
      },
    ];
  },
};
