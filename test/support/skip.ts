/**
 * Skips that say why. `const torchTest = skipUnless(findTorchPython(), NO_TORCH)` gives a function to use like vitest's
 * `test`. If the condition is false, its tests are skipped with the reason in their title, and scripts/test.ts prints
 * the reasons. With DAWNGRAD_NO_SKIP=1 such tests fail, because a machine meant to run everything must not skip
 * quietly.
 */

import { describe, test } from 'vitest';
import { skippedTitle } from './skip-title.ts';

type Body = () => void | Promise<void>;
type TestFunction = (name: string, body: Body, timeout?: number) => void;
type DescribeFunction = (name: string, body: () => void) => void;

/** Gives `test` if the condition is truthy, else a function whose tests are skipped, or fail, for this reason. */
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
 * Does the same for a whole `describe`. If the condition is false its body never runs, so the body may rely on the
 * condition.
 */
export function describeUnless(condition: unknown, reason: string): DescribeFunction {
  if (condition) return (name, body) => describe(name, body);
  return (name) => skipUnless(false, reason)(name, () => {});
}
