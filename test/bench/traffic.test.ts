/** Bytes of a step. Those that must move do not depend on the kernels; simple parts are counted by hand. */
import { expect, test } from 'vitest';
import { formatTraffic, stepTraffic, type Traffic } from '../../bench/traffic.ts';
import type { AdapterTraits } from '../../src/gpu/gpu.ts';
import { CPU } from './support.ts';

type Adapter = AdapterTraits['kind'];

const known = new Map<string, Traffic[]>();
/** Caches the traffic, because creating a network takes a second. */
function step(adapter: Adapter, batch: number): Traffic[] {
  const key = `${adapter} ${batch}`;
  const traffic = known.get(key) ?? stepTraffic({ ...CPU, kind: adapter }, batch, 64);
  known.set(key, traffic);
  return traffic;
}
const of = (adapter: Adapter, batch: number, kind: string) => step(adapter, batch).find((row) => row.kind === kind)!;

test('an update reads parameter, gradient and momentum and writes two of them', () => {
  const parameters = 11_177_538; // with two classes
  expect(of('cpu', 1, 'sgd')).toEqual({ kind: 'sgd', must: 20 * parameters, moved: 20 * parameters });
});

test('convolutions must move their three tensors, independent of the kernels', () => {
  // ResNet-18 at 64×64: [in channels, in extent, out channels, out extent, kernel, number of such convolutions].
  const convolutions = [
    [3, 64, 64, 32, 7, 1],
    [64, 16, 64, 16, 3, 4],
    [64, 16, 128, 8, 3, 1],
    [64, 16, 128, 8, 1, 1],
    [128, 8, 128, 8, 3, 3],
    [128, 8, 256, 4, 3, 1],
    [128, 8, 256, 4, 1, 1],
    [256, 4, 256, 4, 3, 3],
    [256, 4, 512, 2, 3, 1],
    [256, 4, 512, 2, 1, 1],
    [512, 2, 512, 2, 3, 3],
  ] as const;
  const bytes = (batch: number, [i, inExtent, o, outExtent, kernel, count]: (typeof convolutions)[number]) =>
    4 * count * (batch * (i * inExtent ** 2 + o * outExtent ** 2) + i * o * kernel ** 2);
  for (const batch of [1, 3]) {
    const all = convolutions.reduce((sum, one) => sum + bytes(batch, one), 0);
    for (const adapter of ['cpu', 'gpu'] as const) {
      expect(of(adapter, batch, 'conv forward').must).toBe(all);
      expect(of(adapter, batch, 'conv weight grad').must).toBe(all);
      // The pictures require no gradient.
      expect(of(adapter, batch, 'conv input grad').must).toBe(all - bytes(batch, convolutions[0]));
    }
  }
});

test('no kind moves less than it must, and tiles without slices move exactly that', () => {
  for (const adapter of ['cpu', 'gpu'] as const) {
    for (const row of step(adapter, 4)) expect(row.moved, row.kind).toBeGreaterThanOrEqual(row.must);
  }
  const { must, moved } = of('gpu', 512, 'conv forward');
  expect(moved).toBe(must);
});

test('the table has a line per kind and one for their sum', () => {
  const table = formatTraffic([
    { kind: 'conv forward', must: 2e6, moved: 5e6 },
    { kind: 'weight packing', must: 0, moved: 1e7 },
  ]);
  expect(table.split('\n').slice(2)).toEqual([
    'conv forward              2.0        5.0   2.50',
    'weight packing            0.0         10      –',
    'all                       2.0         15   7.50',
  ]);
});
