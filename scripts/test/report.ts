/** Summarizes vitest's JSON report: the numbers of tests that passed, failed and were skipped, and the reasons. Pure. */

import { readSkippedTitle } from '../../test/support/skip-title.ts';

/** The fields of vitest's JSON report that this file reads. */
export interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Tests that `-t` did not select. They count neither as run nor as skipped. */
  readonly unselected: number;
  /** Titles of skipped tests by reason. */
  readonly skips: ReadonlyMap<string, readonly string[]>;
}

const NO_REASON = 'no reason given (test.skip or test.todo in the file; use skipUnless of test/support/skip.ts)';

/** @param args vitest's arguments; if they have `-t`, tests that do not match are reported as skipped, but counted apart */
export function summarize(report: Report, args: readonly string[]): Summary {
  const selective = args.some((arg) => /^(-t|--testNamePattern)(=|$)/.test(arg));
  const skips = new Map<string, string[]>();
  let [passed, failed, skipped, unselected] = [0, 0, 0, 0];
  for (const file of report.testResults) {
    // A file that could not be loaded reports no tests, only its own failure.
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) failed++;
    for (const { fullName, status } of file.assertionResults) {
      if (status === 'passed') passed++;
      else if (status === 'failed') failed++;
      else {
        const skip = readSkippedTitle(fullName);
        if (skip === undefined && selective) {
          unselected++;
          continue;
        }
        skipped++;
        const reason = skip?.reason ?? NO_REASON;
        skips.set(reason, [...(skips.get(reason) ?? []), skip?.name ?? fullName]);
      }
    }
  }
  return { passed, failed, skipped, unselected, skips };
}

/**
 * The last line of `npm test`. Errors outside any test, which only vitest's exit status shows, count as one failure. If
 * skips are forbidden, each skip counts as a failure.
 */
export function summaryLine(summary: Summary, exit: number, noSkip: boolean): string {
  const outside = exit !== 0 && summary.failed === 0 ? 1 : 0;
  const failed = summary.failed + outside + (noSkip ? summary.skipped : 0);
  return `${summary.passed} passed, ${failed} failed, ${noSkip ? 0 : summary.skipped} skipped`;
}
