/** How the tests run: see scripts/test.ts for the rest of `npm test`. */

import { defineConfig } from 'vitest/config';

/** SwiftShader takes up to forty seconds for a test that takes lavapipe two, and twice that beside another. */
const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
const patience = /swiftshader/i.test(`${VK_DRIVER_FILES} ${VK_ICD_FILENAMES}`) ? 5 : 1;

export default defineConfig({
  test: {
    // Tests of several minutes in all are a check of `npm run verify -- long-tests`.
    include: [process.env.DAWNGRAD_LONG_TESTS === '1' ? 'test/**/*.long.test.ts' : 'test/**/!(*.long).test.ts'],
    setupFiles: ['test/support/set-up.ts'],
    // A process per file: Dawn keeps its state per process, and a driver that crashes takes one file with it.
    pool: 'forks',
    // The software adapter computes on the same cores that the tests run on.
    maxWorkers: 2,
    // Its shaders are compiled by LLVM, for seconds each when the driver's cache is empty.
    testTimeout: patience * 60_000,
    hookTimeout: patience * 120_000,
    reporters: ['default'],
  },
});
