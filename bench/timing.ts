/**
 * Times dispatches on the device by timestamp queries, at the beginning and the end of a compute pass with one
 * dispatch. So the times contain neither recording nor waiting, nor compilation if every kernel ran once before.
 * Without timestamp queries: wall time over many dispatches in one submission.
 *
 * Both agree on lavapipe for a kernel that takes a millisecond or more: see the test "timestamps agree with the clock".
 * A small kernel looks slower by the clock, which includes the time between dispatches.
 */
import type { Dispatch, Gpu } from '../src/gpu/gpu.ts';
import type { Copies } from './report.ts';
import { median, sum } from './statistics.ts';

export type TimingMethod = 'timestamps' | 'wall';

/** The better method that the device supports. */
export function timingMethod(gpu: Gpu): TimingMethod {
  return gpu.device.features.has('timestamp-query') ? 'timestamps' : 'wall';
}

/** Repetitions of a small kernel fill this time, so that the clock's resolution and short delays do not matter. */
const ROUND_MS = 60;
const MAX_REPETITIONS = 200;
const ROUNDS = 3;

/**
 * Runs `record` and times each dispatch, in milliseconds.
 * @throws GpuError if the device has no timestamp queries; RangeError if there are more dispatches than timestamps
 */
export async function timeDispatches(gpu: Gpu, record: () => void) {
  gpu.startProfiling();
  try {
    const dispatches = recordDispatches(gpu, record);
    const timings = await gpu.takeTimings();
    if (timings.length !== dispatches.length) {
      throw new RangeError(`${dispatches.length} dispatches were recorded, but only ${timings.length} can be timed.`);
    }
    return { dispatches, ms: timings.map((timing) => timing.ms) };
  } finally {
    gpu.stopProfiling();
  }
}

/** Runs `record` and returns its dispatches. */
export function recordDispatches(gpu: Gpu, record: () => void): Dispatch[] {
  const dispatches: Dispatch[] = [];
  gpu.onDispatch = (dispatch) => dispatches.push(dispatch);
  try {
    record();
  } finally {
    gpu.onDispatch = undefined;
  }
  return dispatches;
}

/**
 * Median milliseconds of a piece of work that is repeated alone, with its buffers as warm in the caches as possible.
 * The dispatches run on the current contents of their buffers.
 */
export async function timeAlone(
  gpu: Gpu,
  dispatches: readonly Dispatch[],
  method: TimingMethod = timingMethod(gpu),
): Promise<number> {
  const once = () => {
    for (const dispatch of dispatches) gpu.dispatch(dispatch);
  };
  if (method === 'wall') return timeOnClock(gpu, once);
  return inRounds(gpu, once, (count) => byTimestamps(gpu, once, count, dispatches.length));
}

/** The same for anything that `once` records, by the clock: with copies, and with the time of recording itself. */
export function timeOnClock(gpu: Gpu, once: () => void): Promise<number> {
  return inRounds(gpu, once, async (count) => [await byClock(gpu, once, count)]);
}

/** The median of what `measure` returns for as many repetitions as fill a round. */
async function inRounds(gpu: Gpu, once: () => void, measure: (count: number) => Promise<number[]>): Promise<number> {
  once();
  await gpu.idle(); // compiles
  let estimate = await byClock(gpu, once, 1);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const count = Math.min(MAX_REPETITIONS, Math.max(3, Math.ceil(ROUND_MS / estimate)));
    times.push(...(await measure(count)));
    estimate = Math.max(median(times), 0.001);
  }
  return median(times);
}

type Commands = Parameters<Parameters<Gpu['encode']>[0]>[0];

/** Bytes that the copies into textures read. They write as many. */
export function copiedBytes(commands: (encoder: Commands) => void): number {
  let bytes = 0;
  const copyBufferToTexture = (_from: unknown, _to: unknown, extent: Iterable<number>) => {
    bytes += [...extent].reduce((product, size) => product * size, 16);
  };
  commands({ copyBufferToTexture } as unknown as Commands);
  return bytes;
}

/** Runs `record`, then repeats its copies from buffers into textures and times them. */
export async function timeCopies(gpu: Gpu, record: () => void): Promise<Copies> {
  const copies: Parameters<Gpu['encode']>[0][] = [];
  const encode = gpu.encode.bind(gpu);
  gpu.encode = (commands) => {
    copies.push(commands);
    encode(commands);
  };
  try {
    record();
  } finally {
    gpu.encode = encode;
  }
  const bytes = sum(copies.map(copiedBytes));
  if (bytes === 0) return { count: 0, bytes, ms: 0 };
  await gpu.idle();
  const again = () => {
    for (const one of copies) gpu.encode(one);
  };
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await byClock(gpu, again, 3));
  return { count: copies.length, bytes, ms: median(times) };
}

async function byClock(gpu: Gpu, once: () => void, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) once();
  await gpu.idle();
  return (performance.now() - start) / count;
}

async function byTimestamps(gpu: Gpu, once: () => void, count: number, parts: number) {
  const { ms } = await timeDispatches(gpu, () => {
    for (let i = 0; i < count; i++) once();
  });
  return Array.from({ length: count }, (_, i) => sum(ms.slice(i * parts, (i + 1) * parts)));
}
