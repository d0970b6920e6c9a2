/** The tests of every op, with the kernels of both kinds of adapters and on SwiftShader. */
import { swiftShaderOnly } from '../browser/chromium.ts';
import type { Outcome, Row } from '../row.ts';
import { testsPass } from '../vitest.ts';

interface Device {
  readonly name: string;
  /** The changes of the environment that bring it. */
  readonly env: () => NodeJS.ProcessEnv;
  /** Files of tests that it cannot run. */
  readonly without?: readonly string[];
}

const DEVICES: readonly Device[] = [
  { name: 'this adapter', env: () => ({}) },
  { name: 'as a GPU', env: () => ({ DAWNGRAD_TEST_AS: 'gpu' }) },
  {
    // Too slow for the large batch, and without the feature shader-f16.
    name: 'SwiftShader, f32',
    env: () => ({ ...swiftShaderOnly(), DAWNGRAD_BATCHES: '1,4' }),
    without: ['test/autograd/ops/half.test.ts'],
  },
];

export const ops: Row = {
  name: 'ops',
  title: 'every op: PyTorch’s float64 values, finite differences, planted errors, broadcasting, empty tensors',
  minutes: 23,
  ci: false,
  run: async () => {
    const outcomes: Outcome[] = [];
    for (const { name, env, without = [] } of DEVICES) {
      const excluded = without.flatMap((path) => ['--exclude', path]);
      const args = [...excluded, 'test/autograd/ops', 'test/kernels'];
      outcomes.push(
        await testsPass(`tests of ops and kernels, ${name}`, args, { DAWNGRAD_BATCHES: '1,4,32', ...env() }),
      );
    }
    return outcomes;
  },
};
