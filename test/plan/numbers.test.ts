/** The ranges of numeric options. */
import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { OutOfMemoryError } from '../../src/gpu/errors.ts';
import type { AdapterTraits } from '../../src/gpu/gpu.ts';
import { checkNumber, type NumberOption, rehearse } from '../../src/plan/index.ts';

test.each<[NumberOption, number, RegExp]>([
  ['threads', 100_000, /^threads: expected a whole number from 0 to 128, found 100000$/],
  ['imageSize', 1e6, /^imageSize: expected a whole number from 32 to 8192, found 1000000$/],
  ['workers', 1e9, /^workers: expected a whole number from 0 to 4096/],
  ['watchdog', 1e9, /^watchdog: expected a whole number from 0 to 2000000/],
  ['epochs', 0, /^epochs: expected a whole number of at least 1, found 0$/],
])('%s %d is refused', (option, value, message) => {
  expect(() => checkNumber(option, value)).toThrow(UsageError);
  expect(() => checkNumber(option, value)).toThrow(message);
});

test.each<[NumberOption, number]>([
  ['threads', 128],
  ['imageSize', 8192],
  ['batchSize', 1e9],
  ['lr', 1e30],
])('%s %d is accepted', (option, value) => {
  expect(checkNumber(option, value)).toBe(value);
});

test('a batch beyond any buffer is out of memory before the host makes one', () => {
  const traits: AdapterTraits = {
    ...{ kind: 'cpu', subgroupSize: 8, maxWorkgroupStorage: 32768, maxInvocations: 1024, shaderF16: false },
    ...{ vendor: 'mesa', architecture: '', description: 'a test' },
  };
  const question = { mode: 'finetune', classes: 2, imageSize: 224, batchSize: 1e9, momentum: 0.9 } as const;
  const run = () => rehearse(traits, { ...question, pictures: { train: 100_000, val: 10 } });
  expect(run).toThrow(OutOfMemoryError);
  expect(run).toThrow(/a batch takes 56\.08 GiB, but no buffer of WebGPU can be larger than 4\.00 GiB/);
  expect(
    rehearse(traits, { ...question, imageSize: 32, pictures: { train: 4, val: 2 } }).programs.length,
  ).toBeGreaterThan(9);
});
