/** Random programs, with the kernels of this device and of others, against PyTorch and finite differences. */
import { describe, runCampaign } from '../../test/fuzz/campaign.ts';
import { TIMES } from '../../test/fuzz/compare.ts';
import { TorchPrograms } from '../../test/fuzz/torch.ts';
import { atLeast, atMost, type Row, times } from '../row.ts';

const SEED = 0;
const PROGRAMS = 5000;
/** The time limit in CI. */
const CI_SECONDS = 60;
/** The allowed share of programs for which no values away from all kinks are found. */
const GIVEN_UP = 0.03;
/** So many programs must have each op. */
const WITH_EACH_OP = 50;
const PROGRESS = 500;

export const randomPrograms: Row = {
  name: 'random-programs',
  title: `${PROGRAMS} random programs over all ops (in CI, those of ${CI_SECONDS} s) against PyTorch and finite differences, memory poisoned`,
  minutes: 25,
  ci: true,
  run: async ({ python, ci }) => {
    const torch = new TorchPrograms(python);
    try {
      const summary = await runCampaign({
        ...{ seed: SEED, torch, count: PROGRAMS, differences: 'all', ...(ci && { seconds: CI_SECONDS }) },
        onProgram: (_, soFar) => {
          if (soFar.programs % PROGRESS === 0) console.log(`  ${describe(soFar)}`);
        },
      });
      console.log(`  ${describe(summary)}`);
      const { failure, programs, undecided, worst, worstOf, differences } = summary;
      for (const { kind, message } of failure?.failures ?? []) console.log(`  ${kind}: ${message}`);
      if (failure) console.log(`  for \`npm run fuzz -- --replay FILE\`: ${JSON.stringify(failure.program)}`);
      const [rarest, least] = [...summary.ops].reduce((one, other) => (other[1] < one[1] ? other : one));
      const ran = failure ? `one of ${programs} fails` : `none of ${programs} fails`;
      return [
        {
          what: 'crashes, wrong values, values of poisoned memory, leaks, wrong gradients by finite differences',
          figure: `${ran}, ${differences.agrees} gradients agree with differences, ${differences.unsure} are undecided`,
          bar: `none of ${ci ? 'them' : PROGRAMS}`,
          holds: !failure && programs >= (ci ? 1 : PROGRAMS),
        },
        ...(ci
          ? []
          : [atLeast(`programs with the rarest of ${summary.ops.size} ops (${rarest})`, least, WITH_EACH_OP, String)]),
        atMost(`largest error beside PyTorch float32's own (${worstOf?.name})`, worst, TIMES, times),
        atMost(
          'programs given up because of values near a kink',
          undecided / Math.max(1, programs),
          GIVEN_UP,
          (part) => `${(100 * part).toFixed(1)} %`,
        ),
      ];
    } finally {
      torch.close();
    }
  },
};
