/** Shared by the tests of the demo: pictures as pixels, and how well colour alone tells the classes apart. */
import sharp from 'sharp';
import { type DemoPicture, PICTURE_SIDE } from '../../src/demo/pictures.ts';

export interface Drawn {
  readonly file: string;
  /** `ants` or `bees`. */
  readonly className: string;
  /** Interleaved RGB, PICTURE_SIDE square. */
  readonly pixels: Uint8Array;
}

export async function drawn({ file, svg }: DemoPicture): Promise<Drawn> {
  const { data, info } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  if (info.width !== PICTURE_SIDE || info.height !== PICTURE_SIDE || info.channels !== 3)
    throw new Error(`${file}: expected RGB of side ${PICTURE_SIDE}, found ${JSON.stringify(info)}`);
  return { file, className: file.split('/')[1]!, pixels: new Uint8Array(data) };
}

/** Mean red, green, blue and brightness, 0..255. */
export function meanColour(pixels: Uint8Array): number[] {
  const sums = [0, 0, 0];
  for (let i = 0; i < pixels.length; i++) sums[i % 3]! += pixels[i]!;
  const [red, green, blue] = sums.map((sum) => sum / (pixels.length / 3)) as [number, number, number];
  return [red, green, blue, 0.299 * red + 0.587 * green + 0.114 * blue];
}

/**
 * The best accuracy on these values of any rule that predicts one class below a threshold and the other above.
 * @param positive whether each value is of the second class
 */
export function bestThreshold(values: readonly number[], positive: readonly boolean[]): number {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const positives = positive.filter(Boolean).length;
  // At first every value counts as positive; then, from the lowest on, one after the other does not.
  let right = positives;
  let best = Math.max(right, values.length - right);
  order.forEach((index, rank) => {
    right += positive[index] ? -1 : 1;
    const next = order[rank + 1];
    if (next !== undefined && values[next] === values[index]) return;
    best = Math.max(best, right, values.length - right);
  });
  return best / values.length;
}
