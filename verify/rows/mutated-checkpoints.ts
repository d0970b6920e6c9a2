/** Mutated checkpoints of every format, read in a process that is watched, and compared with PyTorch. */
import { describeCheckpoints, MOST_MEMORY, runCheckpoints, SLOWEST_MS } from '../../test/fuzz/checkpoints/campaign.ts';
import { atMost, type Row } from '../row.ts';

const SEED = 0;
const CASES = 1_000_000;
/** In CI as many of them as this allows. */
const CI_SECONDS = 60;
const PROGRESS = 50_000;

export const mutatedCheckpoints: Row = {
  name: 'mutated-checkpoints',
  title: `${CASES.toLocaleString('en-US')} mutated .pth and .safetensors (in CI, those of ${CI_SECONDS} s) against PyTorch`,
  minutes: 40,
  ci: true,
  run: async ({ python, ci }) => {
    const summary = await runCheckpoints({
      ...{ seed: SEED, count: CASES, python, ...(ci && { seconds: CI_SECONDS }) },
      onProgress: (soFar) => {
        if (soFar.cases % PROGRESS === 0) console.log(`  ${soFar.seconds.toFixed(0)} s: ${describeCheckpoints(soFar)}`);
      },
    });
    const { cases, read, compared, slowestMs, peak, failures } = summary;
    console.log(`  ${describeCheckpoints(summary)}`);
    for (const { index, message } of failures) {
      console.log(`  case ${index} (\`npm run fuzz -- --checkpoints --seed ${SEED} --case ${index}\`): ${message}`);
    }
    return [
      {
        what: 'crashes, hangs, files left behind, values unlike those that PyTorch reads without a warning',
        figure: `${failures.length} of ${cases}; ${read} read, ${compared} of them by PyTorch too`,
        bar: `none of ${ci ? 'them' : CASES}`,
        holds: failures.length === 0 && compared > 0 && cases >= (ci ? 1 : CASES),
      },
      atMost('longest time of one file, of the processor', slowestMs, SLOWEST_MS, (ms) => `${ms.toFixed(0)} ms`),
      atMost('memory of the reading process', peak, MOST_MEMORY, (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`),
    ];
  },
};
