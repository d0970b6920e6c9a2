/** Pictures of a judgement, for people: some predictions, the confusion matrix and the worst answers. */
import type { DataLoader, Picture } from '../data/index.ts';
import type { Answer, Judgement } from '../judge/index.ts';
import { PICTURE_FILES } from './run-folder.ts';

/** Gives the pictures of these answers, by index, as the network sees them. */
export type FindInputs = (indices: readonly number[]) => Promise<Picture[]>;

/** Six as in the tutorial, and nine of the worst. */
const PREDICTIONS = 6;
const WORST = 9;

/** A picture of the run folder, and what draws it. */
export interface Drawing {
  readonly file: (typeof PICTURE_FILES)['predictions' | 'confusion' | 'topLosses'];
  readonly draw: () => Promise<Uint8Array>;
}

/**
 * What to draw of a judgement. The drawing code loads when it is called.
 * @param whose the weights, in words: `the best weights (epoch 12, val acc 0.9477)`
 */
export function judgedPictures(judgement: Judgement, inputs: FindInputs, whose: string): Drawing[] {
  const { answers, split, classes, confusion, right, count } = judgement;
  const by = `by ${whose}`;
  return [
    {
      file: PICTURE_FILES.predictions,
      draw: async () => {
        const { drawPredictions } = await import('../pictures/index.ts');
        // Evenly spread over the files, so each class gets its share.
        const indices = spread(answers.length, Math.min(PREDICTIONS, answers.length));
        const pictures = await inputs(indices);
        const predictions = indices.map((index, i) => predictionOf(answers[index]!, pictures[i]!));
        return drawPredictions({ predictions, by });
      },
    },
    {
      file: PICTURE_FILES.confusion,
      draw: async () => {
        const { drawConfusion } = await import('../pictures/index.ts');
        const names = classes.map(({ name }) => name);
        return drawConfusion({ classes: names, confusion, by: `${by} on ${split}: ${right} of ${count} right` });
      },
    },
    {
      file: PICTURE_FILES.topLosses,
      draw: async () => {
        const { drawTopLosses } = await import('../pictures/index.ts');
        const indices = worst(answers, WORST);
        const pictures = await inputs(indices);
        const cells = indices.map((index, i) => {
          const answer = answers[index]!;
          return { ...predictionOf(answer, pictures[i]!), loss: answer.loss };
        });
        return drawTopLosses({ answers: cells, split, by });
      },
    },
  ];
}

function predictionOf({ answer, truth, probability }: Answer, picture: Picture) {
  return { picture, predicted: answer, actual: truth, probability };
}

/** Finds the inputs of a loader's samples. */
export function inputsOf(loader: DataLoader): FindInputs {
  return async (indices) => {
    const { pictureOf } = await import('../pictures/index.ts');
    const chosen = new Set(indices);
    const others = new Set(loader.dataset.samples.map((_, index) => index).filter((index) => !chosen.has(index)));
    const inOrder = [...chosen].sort((a, b) => a - b);
    const pictures = new Map<number, Picture>();
    for await (const batch of loader.without(others).inOrder()) {
      batch.indices.forEach((at, i) => {
        pictures.set(inOrder[at]!, pictureOf(batch.images, batch.size, i, loader.options.transform.statistics));
      });
      batch.release();
    }
    return indices.map((index) => pictures.get(index)!);
  };
}

/** The midpoints of `size` equal parts of 0 … count − 1. */
function spread(count: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(((i + 0.5) * count) / size));
}

/** The indices of the `most` answers with the largest losses, worst first. */
function worst(answers: readonly Answer[], most: number): number[] {
  const order = Array.from(answers.keys()).sort((a, b) => answers[b]!.loss - answers[a]!.loss || a - b);
  return order.slice(0, most);
}
