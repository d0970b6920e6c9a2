/** The work of a run to tune, and how often a run derives data from weights again, which is part of a kernel's cost. */
import type { AdapterTraits, Gpu } from '../gpu/gpu.ts';
import type { TunableWork } from '../kernels/chooser.ts';
import { tabledConv2d } from '../kernels/conv2d/choose.ts';
import type { DerivedData } from '../kernels/conv2d/shape.ts';
import { conv2dWork } from '../kernels/conv2d/work.ts';
import { tabledLinear } from '../kernels/linear/choose.ts';
import { tabledMatmul } from '../kernels/matmul/choose.ts';
import { type MemoryQuestion, openDryGpu, rehearse } from '../plan/index.ts';
import type { Candidate, TuneJob } from './measured.ts';
import { candidatesOf, flopsOf, isTunable, runWork } from './run-work.ts';

export interface WorkJob extends TuneJob {
  readonly work: TunableWork;
  /**
   * Number of a candidate's runs that share its derived data of the weights. 1: each run derives its own. 2: forward
   * and input gradient share. Infinity: the weights never change.
   */
  readonly runsPerDerivation: (candidate: Candidate) => number;
}

/** Chooses a kernel without measurements. */
export type Table = (work: TunableWork, traits: AdapterTraits) => Candidate;

/** Chooses by class of adapter. */
export const shippedTable: Table = (work, traits) => {
  switch (work.kind) {
    case 'conv2d':
      return tabledConv2d(work, traits);
    case 'linear':
      return tabledLinear(work.pass, work.size, traits);
    case 'matmul':
      return tabledMatmul(work.product, traits);
  }
};

/** Ignores the tables and chooses the simplest kernel. */
export const noTable: Table = (work, traits) => candidatesOf(work, traits)[0]!;

/**
 * Lists the run's work that has a choice, in order of first use. Takes a fraction of a second and no device.
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
      family: 'pass' in work ? `${work.kind} ${work.pass}` : work.kind,
      uses,
      size: flopsOf(work),
      candidates,
      table: table(work, traits),
      work,
      ...sharing(work, dry, names),
    }));
}

/** @param dry a stand-in device for the rehearsal */
function sharing(work: TunableWork, dry: Gpu, names: ReadonlySet<string>): Pick<WorkJob, 'runsPerDerivation' | 'twin'> {
  // A weight gradient, or a product as it is, derives nothing from weights. The data that a forward pass leaves for a
  // weight gradient does not count: the weight gradient is timed with all that it needs.
  if (work.kind !== 'conv2d' || work.pass === 'weightGrad') return { runsPerDerivation: () => 1 };
  const { pass, shape, frozen } = work;
  const trained = !frozen && names.has(conv2dWork('weightGrad', shape).name);
  if (!trained) return { runsPerDerivation: () => Number.POSITIVE_INFINITY };
  const other = conv2dWork(pass === 'forward' ? 'inputGrad' : 'forward', shape);
  if (!names.has(other.name)) return { runsPerDerivation: () => 1 };
  const shares = (candidate: Candidate) => {
    const keys = derivedKeys(other, candidate, dry);
    return derivedKeys(work, candidate, dry).some((key) => keys.includes(key));
  };
  return {
    runsPerDerivation: (candidate) => (shares(candidate) ? 2 : 1),
    twin: { name: other.name, shares },
  };
}

/** Keys of the derived data of the weights that a variant uses. */
function derivedKeys(work: TunableWork, candidate: Candidate, dry: Gpu): string[] {
  const keys: string[] = [];
  const [input, output, weight] = [dry.pool.acquire(4), dry.pool.acquire(4), dry.pool.acquire(4)];
  const derive: DerivedData['derive'] = (key, acquire) => {
    keys.push(key);
    const memory = acquire();
    dry.pool.release(memory);
    return memory;
  };
  runWork(dry, work, candidate, { input, output, weight, derive });
  for (const buffer of [input, output, weight]) dry.pool.release(buffer);
  return keys;
}
