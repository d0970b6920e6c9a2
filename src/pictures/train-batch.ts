/** `train-batch.png`: the first pictures that a run learnt from, as its network saw them. */
import type { Picture } from '../data/index.ts';
import type { Canvas } from './canvas.ts';
import { gridCanvas } from './grid.ts';
import { COLOURS } from './theme.ts';

export interface TrainBatch {
  /** The first pictures of the batch, or all; of one size. */
  readonly pictures: readonly { readonly picture: Picture; readonly className: string }[];
  /** Number of pictures in the whole batch. */
  readonly size: number;
  /** What was done to them; default: cropped and mirrored at random. */
  readonly how?: string;
}

/** @returns a PNG: a grid of the pictures, each with its class above it */
export async function drawTrainBatch(trainBatch: TrainBatch): Promise<Buffer> {
  return (await trainBatchCanvas(trainBatch)).png();
}

export function trainBatchCanvas({
  pictures,
  size,
  how = 'cropped and mirrored at random',
}: TrainBatch): Promise<Canvas> {
  const shown = pictures.length < size ? `${pictures.length} of its ${size} pictures, ${how}` : how;
  return gridCanvas({
    heading: 'The first training batch',
    subheading: `${shown[0]!.toUpperCase()}${shown.slice(1)}, as the network saw ${size === 1 ? 'it' : 'them'}`,
    columns: 4,
    cells: pictures.map(({ picture, className }) => ({ picture, title: { name: className }, frame: FRAME })),
  });
}

const FRAME = { colour: COLOURS.line, width: 1 };
