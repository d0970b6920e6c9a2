/** The tests of every op, with the kernels of both kinds of adapters and on SwiftShader. */
import { stripVTControlCharacters } from 'node:util';
import { swiftShaderOnly } from '../browser/chromium.ts';
import { run } from '../processes.ts';
import { either, type Outcome, type Row } from '../row.ts';

/** The devices, and the changes of the environment that bring them. */
const DEVICES: readonly (readonly [name: string, env: () => NodeJS.ProcessEnv])[] = [
  ['this adapter', () => ({})],
  ['as a GPU', () => ({ DAWNGRAD_TEST_AS: 'gpu' })],
  // Too slow for the large batch.
  ['SwiftShader', () => ({ ...swiftShaderOnly(), DAWNGRAD_BATCHES: '1,4' })],
];

export const ops: Row = {
  name: 'ops',
  title: 'every op: PyTorch’s float64 values, finite differences, planted errors, broadcasting, empty tensors',
  minutes: 15,
  ci: false,
  run: async () => {
    const outcomes: Outcome[] = [];
    for (const [name, env] of DEVICES) {
      const { status, output } = await run('npx', ['vitest', 'run', 'test/autograd/ops', 'test/kernels'], {
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
