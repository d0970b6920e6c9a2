/** `npm run fuzz -- --pictures`: mutates pictures until some fail or the user stops it. */
import { describePictures, runPictures } from './campaign.ts';

const FOLDER = 'fuzz-pictures';
const PROGRESS_SECONDS = 5;

export interface PictureFuzz {
  readonly seed: number;
  readonly python: string | undefined;
  readonly count: number | undefined;
  readonly seconds: number | undefined;
  /** Number of the first picture. */
  readonly first: number | undefined;
  readonly out: string | undefined;
  /** Only this format. */
  readonly format: string | undefined;
}

/** @returns exit status */
export async function fuzzPictures({ out = FOLDER, ...options }: PictureFuzz): Promise<number> {
  let shown = 0;
  const summary = await runPictures({
    ...options,
    out,
    onProgress: (soFar) => {
      if (soFar.seconds - shown < PROGRESS_SECONDS) return;
      shown = soFar.seconds;
      console.log(describePictures(soFar));
    },
  });
  console.log(describePictures(summary));
  const only = options.format === undefined ? '' : ` --format ${options.format}`;
  for (const { index, from, message, path } of summary.failures) {
    console.log(`FAILED: ${path} (from ${from}): ${message}`);
    console.log(`  again: npm run fuzz -- --pictures --seed ${options.seed}${only} --first ${index} --count 1`);
  }
  return summary.failures.length > 0 ? 1 : 0;
}
