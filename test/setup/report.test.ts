/** The summary at the end of `npm test`. */
import { describe, expect, test } from 'vitest';
import { type Report, summarize, summaryLine } from '../../scripts/test/report.ts';
import { skippedTitle } from '../support/skip-title.ts';

/** A report of one file with these tests: status by full name. */
function report(tests: Record<string, string>, status = 'passed'): Report {
  const assertionResults = Object.entries(tests).map(([fullName, result]) => ({ fullName, status: result }));
  return { testResults: [{ name: 'a.test.ts', status, assertionResults }] };
}

describe('the summary of a test run', () => {
  test('counts, and groups skips by reason', () => {
    const summary = summarize(
      report({
        one: 'passed',
        two: 'failed',
        [skippedTitle('group three', 'needs torch')]: 'skipped',
        [skippedTitle('four', 'needs torch')]: 'skipped',
        'group five': 'todo',
      }),
      [],
    );
    expect(summary).toMatchObject({ passed: 1, failed: 1, skipped: 3, unselected: 0 });
    expect(summary.skips.get('needs torch')).toEqual(['group three', 'four']);
    expect([...summary.skips.keys()][1]).toMatch(/no reason given/);
    expect(summaryLine(summary, 1, false)).toBe('1 passed, 1 failed, 3 skipped');
  });

  test('counts each skip as a failure if skips are forbidden', () => {
    const summary = summarize(report({ one: 'passed', two: 'skipped' }), []);
    expect(summaryLine(summary, 0, true)).toBe('1 passed, 1 failed, 0 skipped');
  });

  test('tells tests that -t did not select from skipped tests', () => {
    const tests = { one: 'passed', two: 'skipped', [skippedTitle('three', 'needs torch')]: 'skipped' };
    expect(summarize(report(tests), ['-t', 'one'])).toMatchObject({ skipped: 1, unselected: 1 });
    expect(summarize(report(tests), ['--testNamePattern=one'])).toMatchObject({ skipped: 1, unselected: 1 });
  });

  test('counts a file that could not be loaded, and errors outside any test, as a failure', () => {
    expect(summaryLine(summarize(report({}, 'failed'), []), 1, false)).toBe('0 passed, 1 failed, 0 skipped');
    expect(summaryLine(summarize(report({ one: 'passed' }), []), 1, false)).toBe('1 passed, 1 failed, 0 skipped');
  });
});
