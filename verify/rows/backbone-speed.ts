/** Times of a training step and a prediction of each network beside PyTorch's, in turn in one run. */
import { compare } from '../../bench/compare.ts';
import type { Work } from '../../bench/steps.ts';
import { netOf } from '../../src/models/registry.ts';
import { ARCHITECTURES, type Architecture } from '../../src/models/types.ts';
import { atMost, type Context, type Outcome, type Row, times } from '../row.ts';

/** Multiples of PyTorch's time. */
const BAR = 4;
/** Of the networks that somebody without a GPU would choose. */
const MOBILE_BAR = 3;
/** CI's machines are never quiet. */
const CI_SLACK = 1.5;
const CI_SAMPLE: readonly Architecture[] = ['mobilenet_v3_small'];

const WORKS: readonly Work[] = ['finetune-step', 'eval-forward'];
const NAMES: Partial<Record<Work, string>> = { 'finetune-step': 'a step', 'eval-forward': 'a prediction' };
const STEPS = 12;
/** Of networks whose steps take seconds. */
const FEW_STEPS = 4;
const LARGE = /^(resnet1|wide_|resnext)/;

export const backboneSpeed: Row = {
  name: 'backbone-speed',
  title:
    'a step (batch 4 at 224) and a prediction of each network beside PyTorch’s, in turn (keep the machine quiet; --net NAME: ' +
    'one)',
  minutes: 25,
  ci: true,
  run: async (context) => {
    const outcomes: Outcome[] = [];
    for (const architecture of chosen(context)) outcomes.push(...(await besidePyTorch(context, architecture)));
    return outcomes;
  },
};

function chosen({ ci, net }: Context): readonly Architecture[] {
  if (net !== undefined) return [netOf(net as Architecture).name as Architecture];
  return ci ? CI_SAMPLE : ARCHITECTURES;
}

async function besidePyTorch({ python, ci }: Context, architecture: Architecture): Promise<Outcome[]> {
  const steps = LARGE.test(architecture) ? FEW_STEPS : STEPS;
  const bar = (architecture.startsWith('mobilenet_v3') ? MOBILE_BAR : BAR) * (ci ? CI_SLACK : 1);
  const pairings = await compare('pytorch', { python, architecture, works: WORKS, steps });
  return pairings.map(({ work, oursMs, peerMs, ratio }) => {
    const ms = `ours ${oursMs.toFixed(0)} ms, PyTorch ${peerMs.toFixed(0)} ms`;
    return atMost(`${architecture}, ${NAMES[work]}, ${ms} (medians of ${steps}), ratio`, ratio, bar, times);
  });
}
