/** The memory plan equals the memory that a run then takes, to the byte. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openGpu } from '../../src/gpu/dawn.ts';
import { MissingFeatureError, OutOfMemoryError } from '../../src/gpu/errors.ts';
import type { AdapterTraits, Gpu } from '../../src/gpu/gpu.ts';
import { BufferPool } from '../../src/gpu/pool.ts';
import {
  checkLimits,
  formatBytes,
  type MemoryPlan,
  type MemoryQuestion,
  planMemory,
  rehearse,
} from '../../src/plan/index.ts';
import { Ledger } from '../../src/plan/ledger.ts';
import { type Reporter, train } from '../../src/train/index.ts';
import { withGpu } from '../support/gpu.ts';
import { drawPictures, TINY, TRAINING_TIMEOUT, temporaryFolder } from '../train/support.ts';

const { gpuTest } = await withGpu();
const root = temporaryFolder();
const data = await drawPictures(join(root, 'data'));

/** Traits of the adapter that most tests run on, and of a GPU; no device is involved. */
const CPU: AdapterTraits = {
  kind: 'cpu',
  subgroupSize: 8,
  maxWorkgroupStorage: 32768,
  maxInvocations: 1024,
  shaderF16: false,
  vendor: '',
  architecture: '',
  description: '',
};
const GPU: AdapterTraits = { ...CPU, kind: 'gpu', subgroupSize: 32 };

const TUTORIAL: MemoryQuestion = {
  mode: 'finetune',
  classes: 2,
  imageSize: 224,
  batchSize: 4,
  momentum: 0.9,
  pictures: { train: 244, val: 153 },
};

/** Sees the plan, and the memory that the steps have taken when they are over. */
function watch(gpu: Gpu) {
  const seen: { plan?: MemoryPlan; pool: number; peak: number } = { pool: 0, peak: 0 };
  const reporter: Reporter = {
    started: ({ memory }) => {
      seen.plan = memory;
    },
    ended: () => Object.assign(seen, { pool: gpu.pool.allocatedBytes, peak: gpu.pool.peakBytes }),
  };
  return { reporter, seen };
}

const MIXED = { mixup: 0.2, classWeights: 'balanced', labelSmoothing: 0.1 } as const;

for (const [mode, more] of [
  ['finetune', {}],
  ['extract', MIXED],
] as const) {
  gpuTest(
    `${[mode, ...Object.keys(more)].join()}: a run takes the planned memory from the pool`,
    async () => {
      const gpu = await openGpu();
      const { reporter, seen } = watch(gpu);
      try {
        const out = join(root, `run-${[mode, ...Object.keys(more)].join('-')}`);
        await train({ data, ...TINY, mode, ...more, batchSize: 5, gpu, out, reporter });
        const { plan, pool, peak } = seen;
        expect(plan?.peak).toBe(peak);
        // Planned with a look at val when the steps are over; the report adds small buffers of other sizes.
        expect(plan?.pool).toBeGreaterThanOrEqual(pool);
        expect(plan?.pool).toBeLessThan(1.01 * pool);
        expect(gpu.pool.peakBytes).toBeLessThan(1.01 * peak);
        expect(gpu.pool.allocatedBytes).toBeLessThan(1.01 * plan!.pool);
      } finally {
        gpu.close();
      }
    },
    TRAINING_TIMEOUT,
  );
}

gpuTest(
  'two averages, gradients that stay between batches and layers that join later take what is planned',
  async () => {
    const gpu = await openGpu();
    const { reporter, seen } = watch(gpu);
    const kinds = { optimizer: 'adamw', unfreeze: 'layer4', pictures: false } as const;
    const numbers = { epochs: 4, freezeEpochs: 2, accumulate: 3, gradClip: 1, batchSize: 5 };
    try {
      await train({ data, ...TINY, ...kinds, ...numbers, gpu, out: join(root, 'run-learning'), reporter });
      expect(seen.plan?.peak).toBe(seen.peak);
      // The rehearsal has each kind of step, but not as many of each: some buffers could have been others.
      expect(seen.plan?.pool).toBeGreaterThanOrEqual(seen.pool);
      expect(seen.plan?.pool).toBeLessThan(1.01 * seen.pool);
    } finally {
      gpu.close();
    }
  },
  TRAINING_TIMEOUT,
);

test.each([
  ['a CPU', CPU],
  ['a GPU', GPU],
])('the parts of the tutorial’s run on %s', (_, traits) => {
  const plan = planMemory(traits, TUTORIAL);
  // 11,177,538 parameters of four bytes; a buffer may be an eighth larger than its content.
  const bytes = 11_177_538 * 4;
  for (const part of ['parameters', 'gradients', 'momentum'] as const) {
    expect(plan[part]).toBeGreaterThanOrEqual(bytes);
    expect(plan[part]).toBeLessThan(bytes * 1.125);
  }
  expect(plan.statistics).toBeGreaterThanOrEqual(9_600 * 4);
  expect(plan.checkpoint).toBe(bytes + 9_600 * 4);
  expect(plan.peak).toBeGreaterThan(2 * bytes + plan.activations);
  expect(plan.pool).toBeGreaterThanOrEqual(plan.peak);
  expect(plan.total).toBe(plan.pool + plan.checkpoint);
});

test('feature extraction keeps no activations and has next to no gradients', () => {
  const all = planMemory(CPU, TUTORIAL);
  const extract = planMemory(CPU, { ...TUTORIAL, mode: 'extract' });
  expect(extract.parameters).toBe(all.parameters);
  // Only those of the new layer: 1,026 values, in buffers of their own.
  expect(extract.gradients).toBeLessThan(8192);
  expect(extract.momentum).toBe(extract.gradients);
  expect(extract.activations).toBeLessThan(all.activations / 10);
  expect(planMemory(CPU, { ...TUTORIAL, momentum: 0 }).momentum).toBe(0);
});

test('what AdamW, frozen layers and several batches a step add', () => {
  const all = planMemory(CPU, TUTORIAL);
  expect(planMemory(CPU, { ...TUTORIAL, optimizer: 'adamw' }).momentum).toBe(2 * all.momentum);
  const fourth = planMemory(CPU, { ...TUTORIAL, unfreeze: 'layer4' });
  // 8.4 of the 11.2 million parameters.
  expect(fourth.gradients / all.gradients).toBeGreaterThan(0.7);
  expect(fourth.gradients / all.gradients).toBeLessThan(0.8);
  expect(fourth.activations).toBeLessThan(all.activations / 4);
  // Layers that join later take what they take from the start on.
  const thawed = planMemory(CPU, { ...TUTORIAL, freezeEpochs: 1 });
  expect(thawed).toMatchObject({ gradients: all.gradients, momentum: all.momentum, activations: all.activations });
  // While activations are alive, so are the gradients of the batches before.
  const several = planMemory(CPU, { ...TUTORIAL, accumulate: 4 });
  expect(several.gradients).toBe(all.gradients);
  expect(several.peak).toBeGreaterThan(all.peak);
});

test('activations grow with the batch; parameters do not', () => {
  const four = planMemory(CPU, TUTORIAL);
  const sixteen = planMemory(CPU, { ...TUTORIAL, batchSize: 16 });
  expect(sixteen.activations / four.activations).toBeGreaterThan(3);
  expect(sixteen.parameters).toBe(four.parameters);
  // A batch is never larger than the data.
  const few = { ...TUTORIAL, pictures: { train: 4, val: 4 } };
  expect(planMemory(CPU, { ...few, batchSize: 1000 }).total).toBe(planMemory(CPU, few).total);
});

test('the rehearsal reports the kernels that the adapter would choose', () => {
  expect(new Set(Object.values(rehearse(CPU, TUTORIAL).choices))).not.toEqual(
    new Set(Object.values(rehearse(GPU, TUTORIAL).choices)),
  );
});

test('half precision halves the weights and activations of a forward pass', () => {
  const inference = { ...TUTORIAL, batchSize: 32, pictures: { train: 0, val: 32 }, momentum: 0 };
  const single = planMemory(GPU, inference);
  const half = planMemory({ ...GPU, shaderF16: true }, { ...inference, half: true });
  // Weights of the convolutions, and of the last layer for two classes.
  const saved = (11_166_912 + 2 * 512) * 2;
  expect(single.checkpoint - half.checkpoint).toBe(saved);
  expect(single.parameters - half.parameters).toBeGreaterThan(0.9 * saved);
  expect(half.statistics).toBe(single.statistics);
  // The pictures themselves are in f32.
  expect(half.largestBuffer).toBe(single.largestBuffer / 2);
  expect(half.peak).toBeLessThan(0.6 * single.peak);
  expect(() => planMemory(GPU, { ...inference, half: true })).toThrow(MissingFeatureError);
});

test('pictures too small for the batch are detected before training', () => {
  // At 32 pixels the last stage has one pixel: a batch of one leaves batch norm a single value.
  const question = { ...TUTORIAL, imageSize: 32, pictures: { train: 5, val: 5 } };
  expect(() => rehearse(CPU, question)).toThrow(/training needs more than one value per channel/);
});

test('a tensor larger than any buffer of the adapter is out of memory in advance', () => {
  const memory = planMemory(CPU, TUTORIAL);
  const adapter = (limit: number) =>
    ({ device: { limits: { maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: limit } } }) as unknown as Gpu;
  expect(() => checkLimits(memory, adapter(memory.largestBuffer))).not.toThrow();
  expect(() => checkLimits(memory, adapter(memory.largestBuffer - 4))).toThrow(OutOfMemoryError);
  expect(() => checkLimits(memory, adapter(2 ** 20))).toThrow(
    /largest tensor takes .* larger than 1\.0 MiB.*smaller batch/,
  );
});

test('the ledger reports the peak of each kind, and of all together', () => {
  const pool = new BufferPool({
    createBuffer: ({ size }) => ({ size }) as GPUBuffer,
    createTexture: () => ({}) as GPUTexture,
  });
  const ledger = new Ledger<'kept' | 'passing'>(pool, 'passing');
  const weights = pool.acquire(1024);
  ledger.put(weights.id, 'kept');
  const scratch = pool.acquire(2048);
  pool.release(scratch);
  const more = pool.acquire(512);
  const last = pool.acquire(256);
  pool.release(last);
  // Buffers that were released in the meantime do not count.
  ledger.putFresh('kept');
  pool.release(more);
  const { each, together } = ledger.highest();
  expect(Object.fromEntries(each)).toEqual({ kept: 1024 + 512, passing: 2048 });
  expect(together).toBe(1024 + 2048);
  expect(ledger.largest()).toBe(2048);
});

test('formatBytes chooses the unit', () => {
  expect([512, 44_710_152, 3.5 * 2 ** 30].map(formatBytes)).toEqual(['0.5 KiB', '42.6 MiB', '3.50 GiB']);
});
