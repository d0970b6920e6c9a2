/** Draws one picture of each kind and prints their hashes: a separate program, so that its environment can differ. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import {
  annotatePicture,
  drawConfusion,
  drawCurves,
  drawPredictions,
  drawTopLosses,
  drawTrainBatch,
} from '../../src/pictures/index.ts';
import { HARD_NAMES, noise } from './support.ts';

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const picture = noise(32);
const points = [0, 1, 2].flatMap((epoch) =>
  (['train', 'val'] as const).map((phase) => ({ epoch, phase, loss: 1 / (epoch + 1), acc: 0.5, lr: 0.1 ** epoch })),
);
const predictions = HARD_NAMES.map((name) => ({ picture, predicted: name, actual: 'a', probability: 0.5, loss: 1 }));
const pictures = {
  annotated: await annotatePicture(picture, HARD_NAMES),
  curves: await drawCurves({ points, bestEpoch: 1 }),
  predictions: await drawPredictions({ predictions, by: 'by x' }),
  confusion: await drawConfusion({
    classes: HARD_NAMES,
    confusion: HARD_NAMES.map(() => HARD_NAMES.map(() => 1)),
    by: 'by x',
  }),
  topLosses: await drawTopLosses({ answers: predictions, split: 'val', by: 'by x' }),
  trainBatch: await drawTrainBatch({ pictures: HARD_NAMES.map((className) => ({ picture, className })), size: 99 }),
};
// For comparison, text drawn with the machine's fonts, which the pictures never use.
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text x="5" y="20">ants</text></svg>';
const withFonts = await sharp(Buffer.from(svg)).png().toBuffer();

const hashes = Object.fromEntries(Object.entries(pictures).map(([name, png]) => [name, hash(png)]));
process.stdout.write(JSON.stringify({ ...hashes, withFonts: hash(withFonts) }));
