/** The test files that take too long for `npm test`: *.long.test.ts. */
import type { Row } from '../row.ts';
import { testsPass } from '../vitest.ts';

export const longTests: Row = {
  name: 'long-tests',
  title: 'test/**/*.long.test.ts: the whole package, commands, damaged states, planted errors in random programs',
  minutes: 4,
  ci: true,
  run: async () => [await testsPass('long tests', [], { DAWNGRAD_LONG_TESTS: '1' })],
};
