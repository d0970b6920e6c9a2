/** Each kind of failure has its exit status, and --help names it. */
import { expect, test } from 'vitest';
import { EXIT_HELP, EXIT_HELP_WITHOUT_TRAINING, exitStatusOf } from '../../src/cli/exit-status.ts';
import { DawngradError, FileError, UsageError } from '../../src/errors.ts';
import { DeviceLostError, GpuError, OutOfMemoryError, WatchdogError } from '../../src/gpu/errors.ts';
import { ExplodedLossError, NonFiniteLossError } from '../../src/train/index.ts';

const at = { epoch: 0, phase: 'train', step: 1, loss: Number.NaN, pictures: [] } as const;
const caused = (code: string) => new FileError('x: no', { cause: Object.assign(new Error(code), { code }) });

test.each<[DawngradError, number]>([
  [new DawngradError('x'), 1],
  [new GpuError('x'), 1],
  [new FileError('x: no'), 1],
  [caused('EACCES'), 1],
  [new UsageError('x'), 2],
  [new NonFiniteLossError(at), 3],
  [new ExplodedLossError(at, 7), 3],
  [new DeviceLostError('unknown', 'x'), 4],
  [new OutOfMemoryError('x'), 5],
  [new WatchdogError(600), 6],
  [caused('ENOSPC'), 7],
  [caused('EDQUOT'), 7],
  [new FileError('x: no', { cause: caused('ENOSPC') }), 7],
])('%s: %i', (error, status) => {
  expect(exitStatusOf(error)).toBe(status);
});

test('--help names every status', () => {
  for (const status of [0, 1, 2, 3, 4, 5, 6, 7, 129, 130, 143]) expect(EXIT_HELP).toMatch(new RegExp(`\\b${status} `));
  expect(EXIT_HELP_WITHOUT_TRAINING).not.toContain('diverged');
  for (const line of `${EXIT_HELP}\n${EXIT_HELP_WITHOUT_TRAINING}`.split('\n'))
    expect(line.length).toBeLessThanOrEqual(120);
});
