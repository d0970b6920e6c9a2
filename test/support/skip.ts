/**
 * Skips that say why. `const torchTest = skipUnless(findTorchPython(), NO_TORCH)` gives a function to use like vitest's
 * `test`; where the condition does not hold, its tests are skipped with the reason in their title, which scripts/test.ts
 * collects and prints. With DAWNGRAD_NO_SKIP=1 they fail instead: a machine that is meant to run everything must not
 * skip something quietly.
 */

import { describe, test } from 'vitest';
import { skippedTitle } from './skip-title.ts';

type Body = () => void | Promise<void>;
type TestFunction = (name: string, body: Body, timeout?: number) => void;
type DescribeFunction = (name: string, body: () => void) => void;

/** `test` where the condition holds (is truthy), else tests that are skipped, or fail, for this reason. */
export function skipUnless(condition: unknown, reason: string): TestFunction {
  if (condition) return (name, body, timeout) => test(name, body, timeout);
  if (process.env.DAWNGRAD_NO_SKIP === '1') {
    return (name) =>
      test(name, () => {
        throw new Error(`would be skipped, and DAWNGRAD_NO_SKIP=1 forbids it: ${reason}`);
      });
  }
  return (name, body, timeout) => test.skip(skippedTitle(name, reason), body, timeout);
}

/**
 * The same for a whole `describe`: its body is never run where the condition does not hold, so that it may build what
 * needs the missing thing.
 */
export function describeUnless(condition: unknown, reason: string): DescribeFunction {
  if (condition) return (name, body) => describe(name, body);
  return (name) => skipUnless(false, reason)(name, () => {});
}
