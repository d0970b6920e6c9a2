/** Times candidates on a device, on scratch buffers of the real shapes. */
import type { AdapterTraits, Dispatch, Gpu } from '../gpu/gpu.ts';
import type { Pooled, PooledBuffer } from '../gpu/pool.ts';
import type { DerivedData } from '../kernels/conv2d/shape.ts';
import { fill } from '../kernels/elementwise/arithmetic.ts';
import type { Candidate } from './measured.ts';
import { runWork, sizesOf } from './run-work.ts';
import type { Measurer } from './tuner.ts';
import type { WorkJob } from './works.ts';

/** Value that fills buffers: a normal value, because denormals are slow on some processors. */
const ORDINARY = 0.5;

/**
 * Uses its own device: buffers of many shapes would otherwise stay in the pool, and a candidate may break the device.
 * Then the next candidate gets a new one. Times come from timestamp queries if the device has them, else from the
 * clock.
 */
export class DeviceMeasurer implements Measurer<WorkJob> {
  readonly #open: () => Promise<Gpu>;
  #gpu: Gpu | undefined;
  #scratch: Scratch | undefined;

  /** @param open opens a device; the measurer's creator must close the measurer */
  constructor(open: () => Promise<Gpu>) {
    this.#open = open;
  }

  /** Opens the device if it is not open. @throws NoAdapterError if there is no adapter */
  async traits(): Promise<AdapterTraits> {
    return (await this.#device()).traits;
  }

  async time(job: WorkJob, candidate: Candidate, count: number): Promise<{ ms: number; compiled: boolean }> {
    const gpu = await this.#device();
    try {
      return await this.#timeOn(gpu, job, candidate, count);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#gpu?.close();
    this.#gpu = undefined;
    this.#scratch = undefined;
  }

  async #device(): Promise<Gpu> {
    if (this.#gpu) return this.#gpu;
    this.#gpu = await this.#open();
    if (hasTimestamps(this.#gpu)) this.#gpu.startProfiling();
    return this.#gpu;
  }

  async #timeOn(gpu: Gpu, job: WorkJob, candidate: Candidate, count: number) {
    const scratch = this.#scratchFor(gpu, job);
    const runsPerDerivation = job.runsPerDerivation(candidate);
    const derives = (run: number) => Number.isFinite(runsPerDerivation) && run % runsPerDerivation === 0;
    // Use whole rounds of runs that share a derivation, so each bears its share.
    const runs = Number.isFinite(runsPerDerivation) ? count * runsPerDerivation : count;
    const before = gpu.stats.pipelines;
    const ms = await timeRuns(gpu, runs, (run) => scratch.run(candidate, derives(run)));
    return { ms: ms / runs, compiled: gpu.stats.pipelines > before };
  }

  #scratchFor(gpu: Gpu, job: WorkJob): Scratch {
    if (this.#scratch?.job !== job) {
      this.#scratch?.release();
      this.#scratch = new Scratch(gpu, job);
    }
    return this.#scratch;
  }
}

const hasTimestamps = (gpu: Gpu) => gpu.device.features.has('timestamp-query');

/** Time of all `runs` together, milliseconds. */
async function timeRuns(gpu: Gpu, runs: number, record: (run: number) => void): Promise<number> {
  if (!hasTimestamps(gpu)) {
    await gpu.idle();
    const start = performance.now();
    for (let run = 0; run < runs; run++) record(run);
    await gpu.idle();
    return performance.now() - start;
  }
  await gpu.takeTimings();
  const dispatches: Dispatch[] = [];
  gpu.onDispatch = (dispatch) => dispatches.push(dispatch);
  const start = performance.now();
  try {
    for (let run = 0; run < runs; run++) record(run);
  } finally {
    gpu.onDispatch = undefined;
  }
  const timings = await gpu.takeTimings();
  const elapsed = performance.now() - start;
  // Too many dispatches to time each one. They take long, so the clock is accurate enough.
  if (timings.length < dispatches.length) return elapsed;
  return timings.reduce((sum, { ms }) => sum + ms, 0);
}

/** The buffers of one job, and the data that its candidates derive from the weights. */
class Scratch {
  readonly job: WorkJob;
  readonly #gpu: Gpu;
  readonly #input: PooledBuffer;
  readonly #output: PooledBuffer;
  readonly #weight: PooledBuffer;
  readonly #derived = new Map<string, Pooled>();

  constructor(gpu: Gpu, job: WorkJob) {
    this.job = job;
    this.#gpu = gpu;
    const sizes = sizesOf(job.work);
    const filled = (numbers: number) => {
      const buffer = gpu.pool.acquire(numbers * 4);
      fill(gpu, numbers, ORDINARY, buffer);
      return buffer;
    };
    this.#input = filled(sizes.input);
    this.#output = filled(sizes.output);
    this.#weight = filled(sizes.weight);
  }

  /** Records one run. `derives` says whether the candidate derives its data from the weights again. */
  run(candidate: Candidate, derives: boolean): void {
    runWork(this.#gpu, this.job.work, candidate, {
      input: this.#input,
      output: this.#output,
      weight: this.#weight,
      derive: this.#derivingFor(candidate, derives),
    });
  }

  release(): void {
    for (const buffer of [this.#input, this.#output, this.#weight, ...this.#derived.values()]) {
      this.#gpu.pool.release(buffer);
    }
  }

  #derivingFor(candidate: Candidate, derives: boolean): DerivedData['derive'] {
    return <Memory extends Pooled>(key: string, acquire: () => Memory, write: (target: Memory) => void) => {
      const name = `${candidate} ${key}`;
      let memory = this.#derived.get(name) as Memory | undefined;
      if (!memory) {
        memory = acquire();
        this.#derived.set(name, memory);
        // Data that is never derived gets a normal value; a texture keeps its initial contents.
        if (!derives && 'buffer' in memory) this.#gpu.clear(memory);
      }
      if (derives) write(memory);
      return memory;
    };
  }
}
