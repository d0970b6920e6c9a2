/** `top-losses.png`: the pictures on which the network was most wrong, or least sure of the truth. */
import type { Canvas } from './canvas.ts';
import { gridCanvas } from './grid.ts';
import { type Prediction, predictionCell } from './predictions.ts';

/** A prediction and its loss. */
export interface LostPicture extends Prediction {
  /** Cross entropy. */
  readonly loss: number;
}

export interface TopLosses {
  /** Pictures of one size, worst first. */
  readonly answers: readonly LostPicture[];
  /** Which pictures they come from: `val`. */
  readonly split: string;
  /** Source of the answers, such as `by the best weights (epoch 12, val acc 0.9477)`. */
  readonly by: string;
}

/** @returns a PNG: the pictures in rows of three, with truth, answer and loss; wrong ones are marked as in predictions */
export async function drawTopLosses(losses: TopLosses): Promise<Buffer> {
  return (await topLossesCanvas(losses)).png();
}

export function topLossesCanvas({ answers, split, by }: TopLosses): Promise<Canvas> {
  const wrong = answers.filter(({ predicted, actual }) => predicted !== actual).length;
  return gridCanvas({
    heading: `The largest losses on ${split}`,
    subheading: `${by}: ${wrong} of these ${answers.length} wrong`,
    columns: 3,
    cells: answers.map((answer) => predictionCell(answer, `; loss ${answer.loss.toFixed(2)}`)),
  });
}
