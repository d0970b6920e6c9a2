/** What there is to tune in a run, and how often weights are derived anew in it, which is part of what a kernel costs. */
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import type { TunableWork } from '../kernels/chooser.ts';
import { conv2dWork, tabledConv2d } from '../kernels/conv2d/choose.ts';
import type { WeightForms } from '../kernels/conv2d/shape.ts';
import { tabledLinear } from '../kernels/linear/choose.ts';
import { type MemoryQuestion, openDryGpu, rehearse } from '../plan/index.ts';
import type { Candidate, TuneJob } from './measured.ts';
import { candidatesOf, flopsOf, isTunable, runWork } from './run-work.ts';

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
export const shippedTable: Table = (work, traits) =>
  work.kind === 'conv2d' ? tabledConv2d(work.pass, work.shape, traits) : tabledLinear(work.pass, work.size, traits);

/** As if there were no table: whatever is simplest. */
export const noTable: Table = (work, traits) => candidatesOf(work, traits)[0]!;

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
      size: flopsOf(work),
      candidates,
      table: table(work, traits),
      work,
      ...sharing(work, dry, names),
    }));
}

/** @param dry a device to rehearse on */
function sharing(work: TunableWork, dry: Gpu, names: ReadonlySet<string>): Pick<WorkJob, 'runsPerDerivation' | 'twin'> {
  // Nothing is derived from weights for their gradient, or for a product as it is. What a forward pass leaves a weight gradient
  // is not counted: it is timed with all that it needs.
  if (work.kind === 'linear' || work.pass === 'weightGrad') return { runsPerDerivation: () => 1 };
  const { pass, shape } = work;
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
  const [input, output, original] = [dry.pool.acquire(4), dry.pool.acquire(4), dry.pool.acquire(4)];
  const form: WeightForms['form'] = (key, acquire) => {
    keys.push(key);
    const memory = acquire();
    dry.pool.release(memory);
    return memory;
  };
  runWork(dry, work, candidate, { input, output, weight: { original, form } });
  for (const buffer of [input, output, original]) dry.pool.release(buffer);
  return keys;
}
