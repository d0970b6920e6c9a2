/** What there is to tune in a run, and how often weights are derived anew in it, which is part of what a kernel costs. */
import type { AdapterTraits, Gpu, Work } from '../gpu/gpu.ts';
import { conv2dCandidates, conv2dVariants } from '../kernels/conv2d-candidates.ts';
import { type Conv2dWork, conv2dWork } from '../kernels/conv2d-choose.ts';
import { conv2dFlops, type WeightForms } from '../kernels/conv2d-shape.ts';
import { tabledConv2d } from '../kernels/conv2d-table.ts';
import { type MemoryQuestion, openDryGpu, rehearse } from '../train/index.ts';
import type { Candidate, TuneJob } from './measured.ts';
import { runConv2d } from './run-conv2d.ts';

/** Work of a kind that has several kernels. Matrix products have one; with a second one they belong here. */
export type TunableWork = Conv2dWork;

export interface WorkJob extends TuneJob {
  readonly work: TunableWork;
  /**
   * How many runs of a candidate share what it derives from the weights: 1 where each does so for itself, 2 where forward and
   * input gradient use the same, infinitely many where the weights never change.
   */
  readonly runsPerDerivation: (candidate: Candidate) => number;
}

/** Which kernel is used where nothing was measured. */
export type Table = (work: TunableWork, traits: AdapterTraits) => Candidate;

/** By class of adapter. */
export const shippedTable: Table = ({ pass, shape }, traits) => tabledConv2d(pass, shape, traits);

/** As if there were no table: whatever is simplest. */
export const noTable: Table = ({ pass, shape }, traits) => conv2dCandidates(pass, shape, traits)[0]!;

/**
 * The run's work that has a choice, in the order in which it first comes. Takes a fraction of a second and no device.
 * @throws ShapeError if the pictures or batches are too small for the network
 */
export function jobsOf(traits: AdapterTraits, question: MemoryQuestion, table: Table = shippedTable): WorkJob[] {
  const works = rehearse(traits, question).works.flatMap(({ work, uses }) =>
    isTunable(work) ? [{ work, uses, candidates: candidatesOf(work, traits) }] : [],
  );
  const names = new Set(works.map(({ work }) => work.name));
  const dry = openDryGpu(traits);
  return works
    .filter(({ candidates }) => candidates.length > 1)
    .map(({ work, uses, candidates }) => ({
      name: work.name,
      family: `${work.kind} ${work.pass}`,
      uses,
      size: conv2dFlops(work.shape),
      candidates,
      table: table(work, traits),
      work,
      ...sharing(work, dry, names),
    }));
}

const isTunable = (work: Work): work is TunableWork => 'kind' in work && work.kind === 'conv2d';

function candidatesOf({ pass, shape }: TunableWork, traits: AdapterTraits): Candidate[] {
  return conv2dCandidates(pass, shape, traits);
}

/** @param dry a device to rehearse on */
function sharing(work: TunableWork, dry: Gpu, names: ReadonlySet<string>): Pick<WorkJob, 'runsPerDerivation' | 'twin'> {
  const { pass, shape } = work;
  if (pass === 'weightGrad') return { runsPerDerivation: () => 1 };
  // Weights that get no gradient stay as they are.
  if (!names.has(conv2dWork('weightGrad', shape).name)) return { runsPerDerivation: () => Number.POSITIVE_INFINITY };
  const other = conv2dWork(pass === 'forward' ? 'inputGrad' : 'forward', shape);
  if (!names.has(other.name)) return { runsPerDerivation: () => 1 };
  const shares = (candidate: Candidate) => {
    const keys = formKeys(other, candidate, dry);
    return formKeys(work, candidate, dry).some((key) => keys.includes(key));
  };
  return {
    runsPerDerivation: (candidate) => (shares(candidate) ? 2 : 1),
    twin: { name: other.name, shares },
  };
}

/** Which forms of the weights a variant asks for. */
function formKeys(work: TunableWork, candidate: Candidate, dry: Gpu): string[] {
  const keys: string[] = [];
  const kernels = conv2dVariants[candidate as keyof typeof conv2dVariants];
  const buffer = dry.pool.acquire(4);
  const form: WeightForms['form'] = (key) => {
    keys.push(key);
    return buffer;
  };
  runConv2d(dry, work, kernels, { input: buffer, output: buffer, weight: { original: buffer, form } });
  dry.pool.release(buffer);
  return keys;
}
