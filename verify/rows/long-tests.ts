/** The test files that take too long for `npm test`: *.long.test.ts. */
import { stripVTControlCharacters } from 'node:util';
import { run } from '../processes.ts';
import { either, type Row } from '../row.ts';

export const longTests: Row = {
  name: 'long-tests',
  title: 'test/**/*.long.test.ts: the whole package, commands, damaged states, planted errors in random programs',
  minutes: 4,
  ci: true,
  run: async () => {
    const env = { ...process.env, DAWNGRAD_LONG_TESTS: '1' };
    const { status, output } = await run('npx', ['vitest', 'run'], { env });
    const text = stripVTControlCharacters(output);
    for (const line of new Set(text.match(/^\s*FAIL .*$/gm))) console.log(`  ${line.trim()}`);
    const counted = /^\s*Tests\s+(.*)$/m.exec(text)?.[1] ?? `no count, status ${status}`;
    return [either(`long tests: ${counted}`, status === 0, 'all pass', 'not all pass')];
  },
};
