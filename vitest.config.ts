/** How the tests run: see scripts/test.ts for the rest of `npm test`. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/set-up.ts'],
    // A process per file: Dawn keeps its state per process, and a driver that crashes takes one file with it.
    pool: 'forks',
    // The software adapter computes on the same cores that the tests run on.
    maxWorkers: 2,
    // Its shaders are compiled by LLVM, for seconds each when the driver's cache is empty.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
