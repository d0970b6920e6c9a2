/** Finds the pictures that `npm run eval` judges, and what the network's run knows of them. */
import { findParts } from '../data/index.ts';
import { type LabelledFolder, partOf, WHOLE } from '../predict/index.ts';
import { divideAsRun, type RunDivision, runOfWeights } from '../train/index.ts';
import type { EvalCommand } from './eval-flags.ts';

/** Pictures to judge a network on. */
export interface EvalPictures {
  readonly folder: LabelledFolder;
  /** What they are, in words: `val`, `val, which the run held out`. */
  readonly what: string;
  /** What a reader must know of them, a sentence each. */
  readonly notes: readonly string[];
}

type Question = Pick<EvalCommand, 'weights' | 'data' | 'split'>;

/**
 * The pictures of the split that is asked for. Where nobody has divided them and the network's run has taken a share for
 * val, val are these.
 * @param onNote called before work that takes long
 * @throws FileError if there are none, or the run's files are damaged; the signal's reason if that is aborted
 */
export async function findEvalPictures(
  { weights, data, split }: Question,
  { signal, onNote }: { readonly signal: AbortSignal; readonly onNote: (text: string) => void },
): Promise<EvalPictures> {
  const found = await findParts(data);
  const record = await runOfWeights(weights);
  const onSurvey = (total: number) => {
    onNote(`Reading ${total} pictures, to find out which of them the run has held out`);
    return undefined;
  };
  const division = record && (await divideAsRun(record, data, found, { signal, onSurvey }));
  const folder = partOf(data, division?.parts ?? found, split);
  return {
    folder,
    what: division ? whatOf(folder.split, division) : folder.split,
    notes: division ? [...division.notes, ...aboutRun(folder, division)] : [],
  };
}

function whatOf(split: string, division: RunDivision): string {
  if (split === 'val' && division.heldOut) return `${split}, which the run held out`;
  return hasLearnt(split, division) ? `${split}, which the run has learnt from` : split;
}

function aboutRun({ split, samples }: LabelledFolder, division: RunDivision): string[] {
  const { train } = division.parts;
  const count = samples.length;
  if (split === 'val' && division.heldOut) {
    return [
      `The run held ${count} of these ${count + (train?.length ?? 0)} pictures out of its training, to be judged by: only ` +
        `they are judged. --split ${WHOLE} judges all.`,
    ];
  }
  if (!hasLearnt(split, division)) return [];
  const learnt = train ? `${train.length} of these ${count}` : `most of these ${count}`;
  return [`The run has learnt from ${learnt} pictures, so the figures do not tell how it does on others.`];
}

/** Whether pictures that the run has learnt from are judged. */
function hasLearnt(split: string, { areOwn }: RunDivision): boolean {
  return areOwn && (split === 'train' || split === WHOLE);
}
