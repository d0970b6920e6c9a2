/** Mutated pictures: no crash, hang, large memory, or pixels unlike Pillow's. */
import { join } from 'node:path';
import { describePictures, runPictures } from '../../test/fuzz/pictures/campaign.ts';
import { HANG_MS, MAX_RSS } from '../../test/fuzz/pictures/judge.ts';
import { atMost, type Row } from '../row.ts';

const SEED = 0;
const PICTURES = 100_000;
/** In CI as many of them as this allows. */
const CI_SECONDS = 60;
const PROGRESS = 10_000;
/** Where fewer are decoded by both, the mutations break too much to test anything. */
const LEAST_EQUAL = 0.2;

export const mutatedPictures: Row = {
  name: 'mutated-pictures',
  title: `${PICTURES} mutated pictures of 9 formats (in CI, those of ${CI_SECONDS} s) under a watchdog, against Pillow`,
  minutes: 8,
  ci: true,
  run: async ({ python, ci, scratch }) => {
    const summary = await runPictures({
      ...{ seed: SEED, python, count: PICTURES, out: join(scratch, 'failures'), ...(ci && { seconds: CI_SECONDS }) },
      onProgress: (soFar) => {
        if (soFar.pictures % PROGRESS === 0) console.log(`  ${describePictures(soFar)}`);
      },
    });
    console.log(`  ${describePictures(summary)}`);
    const { failures, pictures, verdicts, rss } = summary;
    for (const { index, from, message } of failures) {
      console.log(`  ${from}: ${message}; again: npm run fuzz -- --pictures --seed ${SEED} --first ${index} --count 1`);
    }
    const equal = verdicts.equal / Math.max(1, pictures);
    return [
      {
        what: `crashes, no answer within ${HANG_MS / 1000} s, unclear errors, and other pixels than Pillow’s without a warning`,
        figure: `${failures.length} of ${pictures}`,
        bar: `none of ${ci ? 'them' : PICTURES}`,
        holds: failures.length === 0 && pictures >= (ci ? 1 : PICTURES),
      },
      atMost(
        'largest memory of the decoding process',
        rss / 2 ** 20,
        MAX_RSS / 2 ** 20,
        (mib) => `${mib.toFixed(0)} MiB`,
      ),
      {
        what: 'mutated pictures that both decode, to the same pixels',
        figure: `${(100 * equal).toFixed(0)} %`,
        bar: `at least ${100 * LEAST_EQUAL} %`,
        holds: equal >= LEAST_EQUAL,
      },
    ];
  },
};
