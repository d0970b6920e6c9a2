/** Bytes of a step: what must move is independent of the kernels, and counted by hand for the parts that are simple. */
import { expect, test } from 'vitest';
import { formatTraffic, stepTraffic, type Traffic } from '../../bench/traffic.ts';
import type { AdapterTraits } from '../../src/gpu/gpu.ts';

const TRAITS: AdapterTraits = {
  kind: 'cpu',
  subgroupSize: 8,
  maxWorkgroupStorage: 32768,
  maxInvocations: 1024,
  shaderF16: false,
  vendor: '',
  architecture: '',
  description: '',
};

const known = new Map<string, Traffic[]>();
/** Making a network takes a second. */
function step(traits: Partial<AdapterTraits>, batch: number): Traffic[] {
  const key = `${JSON.stringify(traits)} ${batch}`;
  const traffic = known.get(key) ?? stepTraffic({ ...TRAITS, ...traits }, batch, 64);
  known.set(key, traffic);
  return traffic;
}
const of = (traits: Partial<AdapterTraits>, batch: number, kind: string) =>
  step(traits, batch).find((row) => row.kind === kind)!;

test('an update reads parameter, gradient and momentum and writes two of them', () => {
  const parameters = 11_177_538; // with two classes
  expect(of({ kind: 'cpu' }, 1, 'sgd')).toEqual({ kind: 'sgd', must: 20 * parameters, moved: 20 * parameters });
});

test('convolutions must move their three tensors, whatever kernels compute them', () => {
  // Of ResNet-18 at 64×64: [in channels, in extent, out channels, out extent, kernel], and how many there are.
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
    for (const traits of [{ kind: 'cpu' as const }, { kind: 'gpu' as const }]) {
      expect(of(traits, batch, 'conv forward').must).toBe(all);
      expect(of(traits, batch, 'conv weight grad').must).toBe(all);
      // Nothing asks for the gradient of the pictures.
      expect(of(traits, batch, 'conv input grad').must).toBe(all - bytes(batch, convolutions[0]));
    }
  }
});

test('nothing moves less than it must, and tiles that need no slices move what convolutions must', () => {
  for (const kind of ['cpu', 'gpu'] as const) {
    for (const row of stepTraffic({ ...TRAITS, kind }, 4, 64))
      expect(row.moved, row.kind).toBeGreaterThanOrEqual(row.must);
  }
  const { must, moved } = of({ kind: 'gpu' }, 512, 'conv forward');
  expect(moved).toBe(must);
});

test('the table has a line for each kind and their sum', () => {
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
