/** Draws a picture with its predictions written underneath. */
import type { Picture } from '../data/index.ts';
import { Canvas } from './canvas.ts';
import { enlarge, resample } from './scale.ts';
import { loadTypefaces } from './text.ts';
import { COLOURS, DENSITY, MARGIN } from './theme.ts';

/** Bounds of a picture's longer side, units. Captions have at least `LEAST`, however narrow the picture. */
const LARGEST = 480;
const LEAST = 360;

/** A picture that is enlarged at least this many times is a thumbnail. */
const THUMBNAIL_FACTOR = 4;

const FIRST = { size: 18, height: 28 };
const OTHERS = { size: 14, height: 23 };

/**
 * @param picture of any size; it is scaled to fit
 * @param lines of the caption, such as `ants 98.3 %`, the first one larger. A line that is too long loses its middle;
 *   characters that the font lacks become boxes
 * @returns a PNG, two pixels to a unit: at most 1040 pixels wide
 */
export async function annotatePicture(picture: Picture, lines: readonly string[]): Promise<Buffer> {
  const { regular, bold } = await loadTypefaces();
  const shown = await fitted(picture);
  const [width, height] = [Math.ceil(shown.width / DENSITY), Math.ceil(shown.height / DENSITY)];
  const room = Math.max(width, LEAST);
  const styles = lines.map((_, i) => (i === 0 ? { face: bold, ...FIRST } : { face: regular, ...OTHERS }));
  const caption = styles.reduce((sum, style) => sum + style.height, 0);

  const canvas = new Canvas(room + 2 * MARGIN, MARGIN + height + caption + MARGIN);
  canvas.picture(shown, MARGIN, MARGIN);
  let top = MARGIN + height;
  lines.forEach((line, i) => {
    const { face, size, height: lineHeight } = styles[i]!;
    top += lineHeight;
    canvas.text(face.shorten(line, size, room), MARGIN, top, {
      face,
      size,
      colour: i === 0 ? COLOURS.ink : COLOURS.quiet,
    });
  });
  return canvas.png();
}

/** A thumbnail keeps its pixels sharp; a photograph is resampled. */
async function fitted(picture: Picture): Promise<Picture> {
  const longer = Math.max(picture.width, picture.height);
  const [least, largest] = [LEAST * DENSITY, LARGEST * DENSITY];
  if (longer > largest) return resample(picture, largest);
  if (longer >= least) return picture;
  const factor = Math.floor(least / longer);
  return factor >= THUMBNAIL_FACTOR ? enlarge(picture, factor) : resample(picture, least);
}
