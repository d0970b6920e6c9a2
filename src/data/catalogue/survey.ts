/** Decodes pictures once, to know what they are, before anything is trained. */
import { type BrokenPicture, type DecodeCheckOptions, storePictures } from '../check.ts';
import type { DecoderPool } from '../decoder-pool.ts';
import type { Sample } from '../image-folder.ts';
import { TRAIN_TRANSFORM } from '../transforms.ts';
import type { PictureFacts } from './facts.ts';

/** What is known of pictures, in their order. */
export interface Survey {
  /** Undefined for those that are broken. */
  readonly facts: readonly (PictureFacts | undefined)[];
  readonly broken: readonly BrokenPicture[];
}

/** Decodes all pictures, on the threads of the pool. @throws as `DataLoader.check` */
export async function surveyPictures(
  pool: DecoderPool,
  samples: readonly Sample[],
  options: Omit<DecodeCheckOptions, 'onFacts'> = {},
): Promise<Survey> {
  const facts: (PictureFacts | undefined)[] = samples.map(() => undefined);
  const jobs = samples.map(({ path }, index) => ({ index, picture: { path, slot: undefined } }));
  const broken = await storePictures(pool, TRAIN_TRANSFORM, jobs, {
    ...options,
    onFacts: (index, found) => {
      facts[index] = found;
    },
  });
  return { facts, broken };
}
