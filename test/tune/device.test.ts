/** Tuning on the device: the runs of candidates, failing candidates, and a complete tiny tune. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { openGpu } from '../../src/gpu/dawn.ts';
import type { AdapterTraits, Dispatch, Gpu } from '../../src/gpu/gpu.ts';
import type { MemoryQuestion } from '../../src/plan/index.ts';
import { readAnswers, tunedPath } from '../../src/tune/cache.ts';
import { choicesOf, type TuneOptions, tune, tunedChoices, tuneLimits } from '../../src/tune/index.ts';
import { DeviceMeasurer } from '../../src/tune/measure.ts';
import { jobsOf, noTable, shippedTable, type WorkJob } from '../../src/tune/works.ts';
import { withGpu } from '../support/gpu.ts';

const { gpuTest } = await withGpu();
const TIMEOUT = 300_000; // for compiling, if the driver's cache is empty

const QUESTION: MemoryQuestion = {
  mode: 'finetune',
  classes: 2,
  imageSize: 32,
  batchSize: 2,
  momentum: 0,
  pictures: { train: 2, val: 2 },
};

const LAPTOP: AdapterTraits = {
  ...{ kind: 'cpu', subgroupSize: 8, maxWorkgroupStorage: 32768, maxInvocations: 1024, shaderF16: false },
  ...{ vendor: 'mesa', architecture: 'software', description: 'llvmpipe' },
};
const LAYER = '2x64x8x8 -> 64, 3x3 /1 +1';

const named = (jobs: readonly WorkJob[], name: string): WorkJob => jobs.find((job) => job.name === name)!;

describe('the work of a run', () => {
  gpuTest('is every pass of every convolution and product, with its number of uses and the table’s choice', () => {
    const jobs = jobsOf(LAPTOP, QUESTION);
    // A resnet18 has 11 shapes of convolutions, each with three passes except the first one's input gradient, and a
    // product.
    expect(jobs).toHaveLength(32 + 3);
    expect(new Set(jobs.map(({ family }) => family)).size).toBe(6);
    expect(named(jobs, 'linear weightGrad 2x512 -> 2')).toMatchObject({
      candidates: ['dots', 'tiled', 'rows'],
      table: 'dots',
      size: 2 * 2 * 512 * 2,
    });
    expect(named(jobs, `conv2d forward ${LAYER}`)).toMatchObject({
      candidates: ['tiled', 'rows', 'winograd'],
      table: shippedTable(named(jobs, `conv2d forward ${LAYER}`).work, LAPTOP),
      uses: 4 * 4,
      size: 2 * 2 * 64 * 8 * 8 * 64 * 9,
    });
    expect(named(jobs, `conv2d weightGrad ${LAYER}`).uses).toBe(4 * 2);
    expect(jobsOf({ ...LAPTOP, subgroupSize: 0 }, QUESTION).every(({ candidates }) => candidates.length === 2)).toBe(
      true,
    );
    const simplest = (job: WorkJob) => (job.work.kind === 'linear' ? 'dots' : 'tiled');
    expect(jobsOf(LAPTOP, QUESTION, noTable).every((job) => job.table === simplest(job))).toBe(true);
  });

  gpuTest(
    'shares data derived from weights between passes that use the same, and for ever if the weights are frozen',
    () => {
      const runs = (mode: MemoryQuestion['mode'], pass: string, candidate: string) =>
        named(
          jobsOf(LAPTOP, { ...QUESTION, mode }),
          `conv2d ${pass} ${LAYER}${mode === 'extract' ? ' frozen' : ''}`,
        ).runsPerDerivation(candidate);
      expect(runs('finetune', 'forward', 'winograd')).toBe(2);
      expect(runs('finetune', 'inputGrad', 'winograd')).toBe(2);
      expect(runs('finetune', 'forward', 'rows')).toBe(1);
      expect(runs('finetune', 'weightGrad', 'winograd')).toBe(1);
      expect(runs('extract', 'forward', 'winograd')).toBe(Number.POSITIVE_INFINITY);
    },
  );
});

describe('DeviceMeasurer', () => {
  /** A measurer that records the programs on its devices and counts the devices. */
  function watched(tamper: (gpu: Gpu) => void = () => {}) {
    const names: string[] = [];
    let opened = 0;
    const measurer = new DeviceMeasurer(async () => {
      const gpu = await openGpu();
      Object.assign(gpu, { traits: { ...gpu.traits, ...LAPTOP, subgroupSize: gpu.traits.subgroupSize } });
      opened++;
      const dispatch = gpu.dispatch.bind(gpu);
      gpu.dispatch = (one: Dispatch) => {
        if (one.program.name !== 'fill') names.push(one.program.name);
        dispatch(one);
      };
      tamper(gpu);
      return gpu;
    });
    return { measurer, take: () => names.splice(0), opened: () => opened };
  }

  gpuTest(
    'runs a candidate as often as requested, derives from the weights as often as a run would, and times the runs',
    async () => {
      const { measurer, take } = watched();
      try {
        const traits = await measurer.traits();
        const count = (names: string[], name: string) => names.filter((one) => one === name).length;
        const moving = named(jobsOf(traits, QUESTION), `conv2d forward ${LAYER}`);
        const frozen = named(jobsOf(traits, { ...QUESTION, mode: 'extract' }), `conv2d forward ${LAYER} frozen`);
        await measurer.time(moving, 'rows', 3);
        const rows = take();
        expect([count(rows, 'conv2d_pack'), count(rows, 'conv2d_rows')]).toEqual([3, 3]);
        await measurer.time(frozen, 'rows', 3);
        const once = take();
        expect([count(once, 'conv2d_pack'), count(once, 'conv2d_rows')]).toEqual([0, 3]);
        if (moving.candidates.includes('winograd')) {
          await measurer.time(moving, 'winograd', 3);
          const winograd = take();
          expect([count(winograd, 'winograd_weight'), count(winograd, 'winograd_product')]).toEqual([3, 6]);
        }
        // A large work takes longer per run than a small one, however many runs there are.
        const [large] = jobsOf(traits, { ...QUESTION, imageSize: 128 });
        const [small] = jobsOf(traits, QUESTION);
        await measurer.time(large!, 'rows', 1);
        const slow = await measurer.time(large!, 'rows', 2);
        const quick = await measurer.time(small!, 'rows', 20);
        expect(slow.compiled || quick.compiled).toBe(false);
        expect(quick.ms).toBeGreaterThan(0);
        expect(slow.ms).toBeGreaterThan(2 * quick.ms);
      } finally {
        measurer.close();
      }
    },
    TIMEOUT,
  );

  gpuTest(
    'rejects with the error of a failing candidate, and measures the next on a new device',
    async () => {
      const { measurer, opened } = watched((gpu) => {
        const create = gpu.device.createShaderModule.bind(gpu.device);
        gpu.device.createShaderModule = (descriptor) =>
          create(/tiled/.test(descriptor.label ?? '') ? { ...descriptor, code: 'no shader' } : descriptor);
      });
      try {
        const job = named(jobsOf(await measurer.traits(), QUESTION), `conv2d forward ${LAYER}`);
        await expect(measurer.time(job, 'tiled', 1)).rejects.toThrow(/WebGPU error/);
        expect(opened()).toBe(1);
        expect((await measurer.time(job, 'rows', 2)).ms).toBeGreaterThan(0);
        expect(opened()).toBe(2);
      } finally {
        measurer.close();
      }
    },
    TIMEOUT,
  );
});

describe('a complete tune', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-tune-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let caches = 0;
  const freshEnv = () => ({ DAWNGRAD_CACHE: join(folder, `cache-${caches++}`) });

  /** Traits of an adapter that no table knows. */
  const mystery: Partial<AdapterTraits> = {
    kind: 'gpu',
    vendor: '',
    architecture: 'unheard of',
    description: 'a card',
  };
  const EXTRACT: MemoryQuestion = { ...QUESTION, mode: 'extract' };

  gpuTest(
    'gives every candidate of every work a time, and the choice is within 3 % of the least',
    async () => {
      const seen: number[] = [];
      const options: TuneOptions = {
        question: EXTRACT,
        limits: tuneLimits(60),
        onProgress: ({ seconds }) => seen.push(seconds),
      };
      const { results, seconds, adapter } = await tune(options);
      expect(results).toHaveLength(jobsOf(adapter, EXTRACT).length);
      for (const { state, ms, choice, name } of results) {
        expect([name, state]).toEqual([name, 'measured']);
        expect(ms[choice]).toBeLessThanOrEqual(1.03 * Math.min(...Object.values(ms)));
      }
      expect(choicesOf(results).size).toBe(results.length);
      expect(seen.at(-1)).toBeLessThanOrEqual(seconds);
    },
    TIMEOUT,
  );

  gpuTest(
    'happens once for an adapter that no table knows; the next run finds the kept choices',
    async () => {
      const env = freshEnv();
      const notes: string[] = [];
      let opened = 0;
      const gpu = await openGpu();
      const traits: AdapterTraits = { ...gpu.traits, ...mystery };
      gpu.close();
      const open = async () => {
        const device = await openGpu();
        opened++;
        return Object.assign(device, { traits });
      };
      const find = (tuneFor?: { open: typeof open }) =>
        tunedChoices(traits, EXTRACT, { env, onNote: (text) => notes.push(text), tuneFor });

      expect(await find()).toEqual(new Map());
      expect([opened, notes]).toEqual([0, []]);
      const found = await find({ open });
      expect(found.size).toBe(jobsOf(traits, EXTRACT).length);
      expect(notes).toEqual([
        expect.stringMatching(/^No table covers this adapter.+--no-tune/),
        `Kept for the next time in ${tunedPath(env)}`,
      ]);
      expect(opened).toBe(1);
      expect(await find({ open })).toEqual(found);
      expect(await find()).toEqual(found);
      expect([opened, notes.length]).toEqual([1, 2]);
    },
    TIMEOUT,
  );

  gpuTest('is skipped for an adapter that a table knows; a failing device leaves the table, with a note', async () => {
    const env = freshEnv();
    const notes: string[] = [];
    let asked = 0;
    const open = async (): Promise<Gpu> => {
      asked++;
      const gpu = await openGpu();
      gpu.close();
      return gpu;
    };
    const find = (traits: AdapterTraits) =>
      tunedChoices(traits, EXTRACT, { env, onNote: (text) => notes.push(text), tuneFor: { open } });
    expect(await find(LAPTOP)).toEqual(new Map());
    expect([asked, notes]).toEqual([0, []]);
    expect(await find({ ...LAPTOP, ...mystery })).toEqual(new Map());
    // One device for the traits, and one more after each candidate.
    expect(asked).toBeLessThanOrEqual(3);
    expect(notes.at(-1)).toMatch(/closed.+as the table says/);
    expect(readAnswers(tunedPath(env), { adapter: LAPTOP, engine: '' }).size).toBe(0);
  });
});
