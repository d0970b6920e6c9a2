/** Pictures stored on their side, as phones store them: answered as if they were upright. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { decode, ImageFolder, loadSharp } from '../../src/data/index.ts';
import { openPredictor } from '../../src/predict/index.ts';
import { all, atLeast, type Row } from '../row.ts';

/** ImageNet's names of the tutorial's two classes. */
const NAMES: Readonly<Record<string, string>> = { ants: 'ant', bees: 'bee' };
/** In CI, one picture of so many. */
const CI_STEP = 3;
/** For each orientation, what a phone's sensor did to the upright picture: mirror left and right, then turn clockwise. */
const STORED: Readonly<Record<number, readonly [boolean, number]>> = {
  ...{ 2: [true, 0], 3: [false, 180], 4: [true, 180], 5: [true, 270], 6: [false, 270], 7: [true, 90], 8: [false, 90] },
};

export const turned: Row = {
  name: 'turned',
  title:
    'val pictures stored turned and mirrored in all seven ways of EXIF, ImageNet weights: as many right as upright',
  minutes: 1,
  ci: true,
  run: async ({ data, weights, scratch, ci }) => {
    const { samples: every, classes } = new ImageFolder(join(data, 'val'));
    const samples = every.filter((_, i) => !ci || i % CI_STEP === 0);
    const folder = join(scratch, 'turned');
    mkdirSync(folder);
    const upright = samples.map(({ path }) => path);
    const stored: string[] = [];
    for (const [i, path] of upright.entries()) stored.push(await store(path, 2 + (i % 7), join(folder, `${i}.jpg`)));
    let sizes = 0;
    for (const [i, path] of stored.entries()) {
      const [a, b] = [await decode(upright[i]!), await decode(path)];
      if (a.width === b.width && a.height === b.height) sizes++;
    }
    const right = async (paths: readonly string[], ignoreOrientation = false) => {
      const predictor = await openPredictor(weights, { ignoreOrientation });
      try {
        const answers = await predictor.predict(paths, { top: 1 });
        return answers.filter(({ top }, i) => top[0].name === NAMES[classes[samples[i]!.label]!]).length;
      } finally {
        await predictor.close();
      }
    };
    const [asTaken, asTurned, asStored] = [await right(upright), await right(stored), await right(stored, true)];
    const count = (value: number) => `${value} of ${samples.length}`;
    return [
      all('turned pictures with the size of the upright ones', sizes, samples.length),
      atLeast('right on turned pictures', asTurned, asTaken, count),
      {
        what: 'right with --ignore-orientation, as torchvision does',
        figure: count(asStored),
        bar: 'fewer, else this check shows nothing',
        holds: asStored < asTurned,
      },
    ];
  },
};

/** Writes the picture as a phone does that was held in this way. */
async function store(from: string, orientation: number, to: string): Promise<string> {
  const sharp = await loadSharp();
  const { width, height, pixels } = await decode(from);
  const [mirrored, degrees] = STORED[orientation]!;
  // sharp mirrors before it turns.
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .flop(mirrored)
    .rotate(degrees)
    .withMetadata({ orientation })
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toFile(to);
  return to;
}
