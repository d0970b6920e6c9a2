/** The tests of every op, with the kernels of both kinds of adapters and on SwiftShader. */
import { stripVTControlCharacters } from 'node:util';
import { swiftShaderOnly } from '../browser/chromium.ts';
import { run } from '../processes.ts';
import { either, type Outcome, type Row } from '../row.ts';

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
      const { status, output } = await run('npx', ['vitest', 'run', ...excluded, 'test/autograd/ops', 'test/kernels'], {
        env: { ...process.env, DAWNGRAD_BATCHES: '1,4,32', ...env() },
      });
      const text = stripVTControlCharacters(output);
      for (const line of new Set(text.match(/^\s*FAIL .*$/gm))) console.log(`  ${line.trim()}`);
      const counted = /^\s*Tests\s+(.*)$/m.exec(text)?.[1] ?? `no count, status ${status}`;
      outcomes.push(either(`tests of ops and kernels, ${name}: ${counted}`, status === 0, 'all pass', 'not all pass'));
    }
    return outcomes;
  },
};
