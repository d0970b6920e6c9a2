/** Runs random programs one after the other, until one fails or until the count or the time is up. */
import fc from 'fast-check';
import { buildProgram } from './build.ts';
import { CAPABILITIES, type Capabilities } from './capabilities.ts';
import { Devices } from './devices.ts';
import { type Draft, drafts } from './draft.ts';
import { type JudgeOptions, judge, settle, type Verdict } from './judge.ts';
import { OPS } from './ops/index.ts';
import { type Program, walk } from './program.ts';
import { type ShrunkProgram, shrink } from './shrink.ts';
import type { TorchPrograms } from './torch.ts';

export interface CampaignOptions {
  readonly seed: number;
  readonly torch: TorchPrograms | undefined;
  /** Capabilities that programs may use. By default the engine's. */
  readonly capabilities?: Capabilities;
  /** Programs that it refuses are skipped and not counted. */
  readonly filter?: ((program: Program) => boolean) | undefined;
  /** The most programs. Unlimited by default. */
  readonly count?: number | undefined;
  /** The most seconds. Unlimited by default. */
  readonly seconds?: number | undefined;
  readonly differences?: JudgeOptions['differences'];
  readonly tamper?: JudgeOptions['tamper'];
  /** Called with each new device. */
  readonly prepare?: ConstructorParameters<typeof Devices>[0];
  /** Seconds for shrinking a failing program. 0 turns it off; 60 by default. */
  readonly shrinkSeconds?: number;
  readonly onProgram?: (verdict: Verdict, soFar: Summary) => void;
}

/** The findings of a campaign. */
export interface Summary {
  programs: number;
  statements: number;
  backwards: number;
  tensors: number;
  /** Programs compared with PyTorch. */
  compared: number;
  /** Programs compared with PyTorch in which each op of the table occurs. */
  readonly ops: Map<string, number>;
  /** How often values were drawn anew because some came near a kink. */
  redraws: number;
  /** Programs given up because their values kept coming near a kink. */
  undecided: number;
  worst: number;
  /** Name and program of the largest error. */
  worstOf: { readonly name: string; readonly program: Program } | undefined;
  differences: { agrees: number; unsure: number; differs: number };
  pipelines: Devices['pipelines'];
  device: string;
  seconds: number;
  failure: (ShrunkProgram & { readonly original: Program }) | undefined;
}

/** Drafts drawn at once. The seed of a campaign and the index of the chunk give the chunk's seed. */
const CHUNK = 64;
/** Programs that PyTorch computes ahead. */
const AHEAD = 6;
/** One of so many programs runs twice, to compare the bits. */
const TWICE = 8;

/** Runs programs until one fails, or time or count is up. */
export async function runCampaign(options: CampaignOptions): Promise<Summary> {
  const {
    seed,
    torch,
    capabilities = CAPABILITIES,
    count = Number.POSITIVE_INFINITY,
    seconds = Number.POSITIVE_INFINITY,
  } = options;
  const started = performance.now();
  const devices = new Devices(options.prepare);
  const judging: JudgeOptions = {
    devices,
    torch,
    ...(options.differences && { differences: options.differences }),
    tamper: options.tamper,
  };
  const summary = emptySummary();
  const elapsed = () => (performance.now() - started) / 1000;
  const ahead: { readonly draft: Draft; readonly origin: Origin; readonly settled: ReturnType<typeof settle> }[] = [];
  const source = allDrafts(seed);
  try {
    while (summary.programs < count && elapsed() < seconds) {
      while (ahead.length < AHEAD && summary.programs + ahead.length < count) {
        const { draft, origin } = source.next().value;
        const program = buildProgram(draft, capabilities);
        if (options.filter?.(program) === false) continue;
        const settled = settle(program, torch);
        // The error is thrown where the promise is awaited.
        settled.catch(() => {});
        ahead.push({ draft, origin, settled });
      }
      const { origin, settled } = ahead.shift()!;
      const ready = await settled;
      const verdict = await judge(ready, { ...judging, twice: summary.programs % TWICE === 0 });
      note(summary, verdict, torch !== undefined && ready.answer === undefined);
      Object.assign(summary, { pipelines: devices.pipelines, device: devices.description, seconds: elapsed() });
      options.onProgram?.(verdict, summary);
      if (verdict.failures.length === 0) continue;
      const shrunk = await shrink(verdict, origin, { ...judging, twice: true }, options.shrinkSeconds ?? 60);
      summary.failure = { ...shrunk, original: verdict.program };
      break;
    }
  } finally {
    devices.close();
  }
  return summary;
}

/** The place of a draft in fast-check's sequence for a seed. */
export interface Origin {
  readonly seed: number;
  readonly index: number;
}

function* allDrafts(seed: number): Generator<{ draft: Draft; origin: Origin }, never> {
  for (let chunk = 0; ; chunk++) {
    const chunkSeed = (Math.imul(seed, 0x9e3779b1) + chunk) | 0;
    const list = fc.sample(drafts, { seed: chunkSeed, numRuns: CHUNK });
    for (const [index, draft] of list.entries()) yield { draft, origin: { seed: chunkSeed, index } };
  }
}

function emptySummary(): Summary {
  const counts = { programs: 0, statements: 0, backwards: 0, tensors: 0, compared: 0, redraws: 0, undecided: 0 };
  return {
    ops: new Map(Object.keys(OPS).map((name) => [name, 0])),
    ...{ ...counts, worst: 0, worstOf: undefined, differences: { agrees: 0, unsure: 0, differs: 0 } },
    ...{ pipelines: {}, device: '', seconds: 0, failure: undefined },
  };
}

function note(summary: Summary, verdict: Verdict, undecided: boolean): void {
  const { program, differences, worst, worstName, tensors, compared } = verdict;
  const statements = [...walk(program.statements)];
  summary.programs++;
  summary.statements += statements.length;
  summary.backwards += statements.filter((one) => one.do === 'backward' && !one.fails).length;
  summary.tensors += tensors;
  summary.compared += compared ? 1 : 0;
  summary.redraws += program.redraw;
  summary.undecided += undecided ? 1 : 0;
  const names = compared ? statements.flatMap((one) => (one.do === 'op' ? [one.op.op] : [])) : [];
  for (const name of new Set(names)) summary.ops.set(name, summary.ops.get(name)! + 1);
  for (const outcome of ['agrees', 'unsure', 'differs'] as const) summary.differences[outcome] += differences[outcome];
  if (worst > summary.worst) Object.assign(summary, { worst, worstOf: { name: worstName, program } });
}

/** A summary in one line, for people. */
export function describe({ programs, compared, worst, redraws, undecided, differences, pipelines }: Summary): string {
  const { agrees, unsure, differs } = differences;
  const compiled = Object.entries(pipelines).map(([device, number]) => `${device} ${number}`);
  return (
    `${programs} programs, ${compared} compared with PyTorch (at most ${worst.toFixed(2)} times its own error), values drawn anew ` +
    `${redraws} times, ${undecided} given up; finite differences of ${agrees + unsure + differs} gradients: ${agrees} agree, ` +
    `${differs} differ, ${unsure} say nothing; pipelines: ${compiled.join(', ')}`
  );
}
