/** The tuner's decisions, with simulated kernels and a simulated clock. */
import { describe, expect, test } from 'vitest';
import { DawngradError } from '../../src/errors.ts';
import { type TuneLimits, tuneLimits } from '../../src/tune/budget.ts';
import type { TuneJob } from '../../src/tune/measured.ts';
import { type Measurer, tuneJobs } from '../../src/tune/tuner.ts';

/** Milliseconds of each run in turn, the last one repeated; or the error of every run. */
type Speed = number | readonly number[] | Error;

interface FakeJob extends TuneJob {
  readonly speeds: Readonly<Record<string, Speed>>;
}

function job(name: string, speeds: Record<string, Speed>, more: Partial<TuneJob> = {}): FakeJob {
  const candidates = Object.keys(speeds);
  return { name, family: 'conv', uses: 1, size: 1000, candidates, table: candidates[0]!, ...more, speeds };
}

class FakeDevice implements Measurer<FakeJob> {
  clock = 0;
  readonly calls: string[] = [];
  readonly #compileMs: number;
  readonly #known = new Set<string>();
  readonly #counts = new Map<string, number>();

  constructor(compileMs = 0) {
    this.#compileMs = compileMs;
  }

  async time(of: FakeJob, candidate: string, count: number) {
    const key = `${of.name} ${candidate}`;
    this.calls.push(key);
    const call = this.#counts.get(key) ?? 0;
    this.#counts.set(key, call + 1);
    const speed = of.speeds[candidate]!;
    if (speed instanceof Error) throw speed;
    const one = typeof speed === 'number' ? speed : speed[Math.min(call, speed.length - 1)]!;
    const compiled = this.#compileMs > 0 && !this.#known.has(candidate);
    this.#known.add(candidate);
    const all = one * count + (compiled ? this.#compileMs : 0);
    this.clock += all;
    return { ms: all / count, compiled };
  }

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

const AMPLE: TuneLimits = { measureMs: 1e9, totalMs: 1e9 };

async function tuned(jobs: readonly FakeJob[], limits: TuneLimits = AMPLE, device = new FakeDevice()) {
  const signal = undefined;
  const results = await tuneJobs({ jobs, measurer: device, limits, now: () => device.clock, startedAt: 0, signal });
  return { device, results, choices: results.map(({ choice }) => choice) };
}

describe('a choice', () => {
  test('is the fastest candidate, whatever the table says', async () => {
    const jobs = [job('a', { x: 10, y: 8, z: 9 }), job('b', { x: 5, y: 8, z: 9 }, { table: 'z' })];
    const { results } = await tuned(jobs);
    expect(results).toMatchObject([
      { name: 'a', choice: 'y', table: 'x', state: 'measured', ms: { x: 10, y: 8, z: 9 }, failed: {} },
      { name: 'b', choice: 'x', table: 'z', state: 'measured' },
    ]);
  });

  test('is the simpler of candidates within 3 %, and the faster beyond', async () => {
    const jobs = [
      job('tie', { x: 10.29, y: 10 }, { table: 'y' }),
      job('none', { x: 10.31, y: 10 }, { table: 'x' }),
      job('three', { x: 20, y: 10.2, z: 10 }),
    ];
    expect((await tuned(jobs)).choices).toEqual(['x', 'y', 'y']);
  });

  test('uses the least of a candidate’s times, so that a hiccup does not matter', async () => {
    const hiccups = job('a', { x: 12, y: [30, 10, 60, 60] }, { table: 'x' });
    const { results } = await tuned([hiccups]);
    expect(results[0]).toMatchObject({ choice: 'y', ms: { x: 12, y: 10 } });
  });

  test('is never a failing candidate; if the table’s choice fails, the best of the others is chosen', async () => {
    const broken = new DawngradError('no such instruction');
    const { results } = await tuned([job('a', { x: 10, y: broken, z: 12 }), job('b', { x: broken, y: 12, z: 10 })]);
    expect(results.map(({ choice }) => choice)).toEqual(['x', 'z']);
    expect(results[1]!.failed).toEqual({ x: 'no such instruction' });
    // The device is broken and would stay so.
    await expect(tuned([job('a', { x: broken, y: broken }), job('b', { x: 1, y: 2 })])).rejects.toBe(broken);
  });

  test('of two jobs that can share work is one that shares for both or for neither', async () => {
    const twins = (a: Record<string, Speed>, b: Record<string, Speed>, table: string) => {
      const shares = (candidate: string) => candidate === 'sharing';
      return [job('a', a, { table, twin: { name: 'b', shares } }), job('b', b, { table, twin: { name: 'a', shares } })];
    };
    // Alone, x and sharing would win. Together, x takes 10 + 20 and sharing 11 + 12.
    expect((await tuned(twins({ x: 10, sharing: 11 }, { x: 20, sharing: 12 }, 'x'))).choices).toEqual([
      'sharing',
      'sharing',
    ]);
    expect((await tuned(twins({ x: 10, sharing: 14 }, { x: 13, sharing: 12 }, 'x'))).choices).toEqual(['x', 'x']);
    // Candidates that do not share may differ, and are best here.
    const speeds = [
      { x: 10, y: 14, sharing: 11 },
      { x: 13, y: 10, sharing: 9 },
    ] as const;
    expect((await tuned(twins(speeds[0], { ...speeds[1], sharing: 11 }, 'x'))).choices).toEqual(['x', 'y']);
    expect((await tuned(twins(speeds[0], speeds[1], 'x'))).choices).toEqual(['x', 'y']);
    expect((await tuned(twins({ ...speeds[0], x: 10.9 }, speeds[1], 'x'))).choices).toEqual(['sharing', 'sharing']);
  });

  test('of such a job stays the table’s until the other one is measured', async () => {
    const shares = (candidate: string) => candidate === 'sharing';
    const both = { table: 'sharing', uses: 1 };
    const jobs = [
      job('a', { x: 10, sharing: 50 }, { ...both, uses: 9, twin: { name: 'b', shares } }),
      job('b', { x: 100, sharing: 110 }, { ...both, size: 2000, twin: { name: 'a', shares } }),
    ];
    const limits = { measureMs: 150, totalMs: 1e9 };
    const { results } = await tuned(jobs, limits);
    expect(results.map(({ choice, state }) => [choice, state])).toEqual([
      ['sharing', 'measured'],
      ['sharing', 'not reached'],
    ]);
    const alone = jobs.map((one) => ({ ...one, twin: undefined }));
    expect((await tuned(alone, limits)).choices).toEqual(['x', 'sharing']);
  });

  test('is not made after an error of the program', async () => {
    await expect(tuned([job('a', { x: 10, y: new TypeError('a mistake') })])).rejects.toThrow('a mistake');
  });
});

describe('time is not spent', () => {
  test('on clearly worse candidates: one run if there is no doubt, two at 1.5 times', async () => {
    const { device } = await tuned([job('a', { x: 10, y: 10.4, far: 31, worse: 16, close: 14 })]);
    expect(device.count('a far')).toBe(1);
    expect(device.count('a worse')).toBe(2);
    // Two runs of the survey, then rounds until it is clearly worse, and no more.
    expect(device.count('a close')).toBe(2 + 4);
    expect(device.count('a x')).toBe(2 + 8);
    expect(device.count('a y')).toBe(2 + 8);
  });

  test('on kernels far too slow for three works of a family, or extremely slow for two, except the table’s', async () => {
    const names = ['1', '2', '3', '4', '5'];
    const speeds = { x: 10, slow: 50, half: 30, beyond: 101 };
    const jobs = [
      ...names.map((name) => job(name, speeds)),
      job('its table', speeds, { table: 'slow' }),
      job('another', speeds, { family: 'other' }),
    ];
    const { device, results } = await tuned(jobs);
    expect(names.filter((name) => device.count(`${name} slow`) > 0)).toEqual(['1', '2', '3']);
    expect(names.filter((name) => device.count(`${name} beyond`) > 0)).toEqual(['1', '2']);
    expect(names.every((name) => device.count(`${name} half`) > 0)).toBe(true);
    expect(device.count('its table slow')).toBe(1);
    expect(device.count('another slow')).toBe(1);
    expect(results.every(({ choice, state }) => choice === 'x' && state === 'measured')).toBe(true);
  });

  test('but a kernel that was good once is tried everywhere', async () => {
    const jobs = ['1', '2', '3', '4', '5'].map((name) => job(name, { x: 10, y: name === '2' ? 9 : 50 }));
    const { device, choices } = await tuned(jobs);
    expect(device.count('5 y')).toBe(1);
    expect(choices).toEqual(['x', 'y', 'x', 'x', 'x']);
  });
});

describe('the order', () => {
  test('is a survey, the smallest and then the most important, with the table’s choice first; then rounds', async () => {
    const jobs = [
      job('small', { x: 10, y: 11 }, { size: 11, table: 'y' }),
      job('large', { x: 10, y: 11 }, { size: 500 }),
      job('often', { x: 10, y: 11 }, { size: 100, uses: 9 }),
      job('smallest', { x: 10, y: 11 }, { size: 10, uses: 0.1 }),
    ];
    const { device } = await tuned(jobs);
    const survey = (name: string, first: string, second: string) => [
      ...[first, second].map((one) => `${name} ${one}`),
      ...['x', 'y'].map((one) => `${name} ${one}`),
    ];
    // Rounds are ordered by the measured cost of the table's choice: 9 times 10 ms, 11 and 10.
    const round = ['often', 'small', 'large', 'smallest'].flatMap((name) => [`${name} x`, `${name} y`]);
    expect(device.calls.slice(0, 32)).toEqual([
      ...survey('smallest', 'x', 'y'),
      ...survey('often', 'x', 'y'),
      ...survey('large', 'x', 'y'),
      ...survey('small', 'y', 'x'),
      ...round,
      ...round,
    ]);
  });
});

describe('the budget', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => job(`${i}`, { x: 100, y: 90 }, { uses: count - i }));

  test('is kept, and the most important work comes first; the rest keeps the table’s choice', async () => {
    for (const measureMs of [50, 900, 1700, 4000, 7000, 40_000]) {
      const { device, results } = await tuned(many(10), { measureMs, totalMs: 1e9 });
      // Only the very first run may take longer, because nothing is known yet.
      expect(device.clock).toBeLessThanOrEqual(Math.max(measureMs, 100));
      const states = results.map(({ state }) => state);
      expect([...states].sort(([a], [b]) => 'mun'.indexOf(a!) - 'mun'.indexOf(b!))).toEqual(states);
      for (const { choice, state } of results) expect(choice).toBe(state === 'measured' ? 'y' : 'x');
    }
    const states = async (measureMs: number) =>
      (await tuned(many(10), { measureMs, totalMs: 1e9 })).results.map(({ state }) => state);
    expect(new Set(await states(2000))).toEqual(new Set(['unfinished', 'not reached']));
    expect(new Set(await states(9000))).toEqual(new Set(['measured', 'unfinished']));
    expect(new Set(await states(10_000))).toEqual(new Set(['measured']));
  });

  test('that ends after the survey replaces the table’s choice only if it is clearly worse', async () => {
    const jobs = [job('a', { x: 100, y: 90 }), job('b', { x: 100, y: 50 })];
    const { results } = await tuned(jobs, { measureMs: 700, totalMs: 1e9 });
    expect(results).toMatchObject([
      { choice: 'x', state: 'unfinished' },
      { choice: 'y', state: 'measured' },
    ]);
  });

  test('without room for a kernel that is known to be far too slow still lets the others be compared', async () => {
    const jobs = [
      job('small', { slow: 400, x: 20, y: 18 }, { size: 100, table: 'x' }),
      job('large', { slow: 4000, x: 200, y: 180 }, { size: 1000, table: 'x' }),
    ];
    const { results, device } = await tuned(jobs, { measureMs: 3500, totalMs: 1e9 });
    expect(device.count('large slow')).toBe(0);
    expect(results.map(({ choice, state }) => [choice, state])).toEqual([
      ['y', 'measured'],
      ['y', 'measured'],
    ]);
  });

  test('does not count compiling up to a limit of its own, nor do the measured times', async () => {
    const jobs = many(3);
    const all = await tuned(jobs, { measureMs: 6000, totalMs: 60_000 }, new FakeDevice(10_000));
    expect(all.results.every(({ state, ms }) => state === 'measured' && ms.x === 100 && ms.y === 90)).toBe(true);
    expect(all.device.clock).toBeGreaterThan(20_000);
    const short = await tuned(jobs, { measureMs: 6000, totalMs: 15_000 }, new FakeDevice(10_000));
    // The second candidate would have to be compiled, for as long as the first.
    expect(short.device.clock).toBeLessThanOrEqual(15_000);
    expect(short.device.calls.some((call) => call.endsWith('y'))).toBe(false);
    expect(short.results.every(({ state, choice }) => state === 'not reached' && choice === 'x')).toBe(true);
  });

  test('counts the time that a warm cache takes to provide a kernel', async () => {
    const short = await tuned(many(3), { measureMs: 350, totalMs: 60_000 }, new FakeDevice(150));
    expect(short.device.calls).toEqual(['0 x', '0 x']);
    expect(short.device.clock).toBe(350);
  });

  test('of 30 seconds becomes 3 minutes if everything must be compiled', () => {
    expect(tuneLimits(30)).toEqual({ measureMs: 30_000, totalMs: 180_000 });
  });

  test('ends with the signal', async () => {
    const device = new FakeDevice();
    const { signal, abort } = (() => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: () => controller.abort() };
    })();
    const results = await tuneJobs({
      jobs: many(10),
      measurer: device,
      limits: AMPLE,
      now: () => device.clock,
      startedAt: 0,
      signal,
      onProgress: ({ done }) => done === 2 && abort(),
    });
    expect(results.map(({ state }) => state)).toEqual(['unfinished', 'unfinished', ...Array(8).fill('not reached')]);
  });
});

test('progress goes from one step to all', async () => {
  const seen: string[] = [];
  const device = new FakeDevice();
  await tuneJobs({
    jobs: [job('a', { x: 1, y: 2 }), job('b', { x: 1, y: 2 })],
    measurer: device,
    limits: AMPLE,
    now: () => device.clock,
    startedAt: 0,
    onProgress: ({ done, steps }) => seen.push(`${done}/${steps}`),
  });
  expect([seen[0], seen.at(-1)]).toEqual(['1/18', '18/18']);
});
