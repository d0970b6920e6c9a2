/** `predictions.png`: some validation pictures and the network's predictions. */
import type { Picture } from '../data/index.ts';
import type { Canvas } from './canvas.ts';
import { type Cell, gridCanvas } from './grid.ts';
import { COLOURS } from './theme.ts';

export interface Prediction {
  readonly picture: Picture;
  /** Names of classes. */
  readonly predicted: string;
  readonly actual: string;
  /** Probability of the predicted class, 0 to 1. */
  readonly probability: number;
}

export interface Predictions {
  /** Pictures of one size. */
  readonly predictions: readonly Prediction[];
  /** Source of the predictions, such as `Best weights (epoch 12, val acc 0.9477)`. */
  readonly by: string;
}

/** @returns a PNG: the pictures under the tutorial's titles; wrong ones have a mark, a word and a heavy dashed frame */
export async function drawPredictions(predictions: Predictions): Promise<Buffer> {
  return (await predictionsCanvas(predictions)).png();
}

export function predictionsCanvas({ predictions, by }: Predictions): Promise<Canvas> {
  const right = predictions.filter(({ predicted, actual }) => predicted === actual).length;
  return gridCanvas({
    heading: 'Predictions on val',
    subheading: `${by}: here ${right} of ${predictions.length} right`,
    columns: 3,
    cells: predictions.map((prediction) => predictionCell(prediction)),
  });
}

/** @param after more words after the probability */
export function predictionCell({ picture, predicted, actual, probability }: Prediction, after = ''): Cell {
  const isRight = predicted === actual;
  const sure = `${(probability * 100).toFixed(1)} % sure${after}`;
  return {
    picture,
    title: { before: 'predicted: ', name: predicted },
    remark: isRight ? { before: `✓ ${sure}`, name: '' } : { before: `✗ ${sure}; is: `, name: actual },
    frame: isRight ? RIGHT : WRONG,
  };
}

const RIGHT = { colour: COLOURS.line, width: 1 };
const WRONG = { colour: COLOURS.warning, width: 5, dashes: '12 6' };
