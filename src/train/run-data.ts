/** The pictures of a run, as its options, or what an earlier start has saved, ask for them. */
import type { NumberSettings } from '../plan/index.ts';
import { surveyCounter } from './check-pictures.ts';
import { type DataSettings, type FoundPictures, findPictures } from './find-pictures.ts';
import type { TrainOptions } from './options.ts';

/** Pictures, and how they are found and read, as far as that differs from the tutorial's way. */
export interface RunData {
  readonly found: FoundPictures;
  readonly reading: DataSettings;
}

/** @throws as `findPictures` */
export async function findRunData(
  options: Pick<TrainOptions, 'data' | 'valSplit' | 'ignoreOrientation' | 'signal' | 'reporter'>,
  settings: Pick<NumberSettings, 'seed' | 'threads' | 'maxPixels'>,
): Promise<RunData> {
  const { data, valSplit, ignoreOrientation = false, signal, reporter } = options;
  const found = await findPictures(data, {
    ...{ valSplit, ignoreOrientation, settings, signal },
    onSurvey: (total) => surveyCounter(total, reporter),
  });
  const { split } = found;
  return {
    found,
    reading: { ...(split && { valSplit: split.valSplit }), ...(ignoreOrientation && { ignoreOrientation }) },
  };
}
