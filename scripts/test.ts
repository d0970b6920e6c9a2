/**
 * `npm test`: checks types, then lint, then runs the tests. Each stage is named and timed, and the first that fails
 * ends the run with a non-zero status. Arguments go to vitest (`npm test -- test/setup -t lock`). The output ends with
 * all skips and their reasons, and the line `N passed, N failed, N skipped`. DAWNGRAD_NO_SKIP=1 turns every skip into a
 * failure.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { torchPythonEnvironment } from './find-python.ts';
import { type Report, summarize, summaryLine } from './test/report.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const noSkip = process.env.DAWNGRAD_NO_SKIP === '1';
const vitestArgs = process.argv.slice(2);

/** Runs a package's command with this Node and returns its exit status. */
function runStage(name: string, script: string, args: string[], env: NodeJS.ProcessEnv = {}): number {
  console.log(`\n== ${name} ==`);
  const start = performance.now();
  const { status, signal, error } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (error) console.error(error.message);
  if (signal) console.error(`ended by ${signal}`);
  const exit = status ?? 1;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`== ${name}: ${exit === 0 ? 'good' : `FAILED (exit status ${exit})`} after ${seconds} s ==`);
  return exit;
}

/** Runs vitest, which also writes its report as JSON; the report is undefined if vitest ended before it wrote one. */
function runVitest(env: NodeJS.ProcessEnv): { exit: number; report: Report | undefined } {
  const folder = mkdtempSync(join(tmpdir(), 'dawngrad-test-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const exit = runStage('tests', 'vitest/vitest.mjs', ['run', ...reporters, ...vitestArgs], env);
    try {
      return { exit, report: JSON.parse(readFileSync(file, 'utf8')) as Report };
    } catch {
      return { exit, report: undefined };
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends the run. A failed stage before the tests, or tests without a report, count as one failure. */
function fail(message: string): never {
  console.log(`\nnpm test FAILED: ${message}`);
  console.log('\n0 passed, 1 failed, 0 skipped');
  process.exit(1);
}

if (runStage('types', 'typescript/bin/tsc', ['--noEmit']) !== 0) {
  fail('types (tsc --noEmit); lint and the tests did not run');
}
if (runStage('lint', '@biomejs/biome/bin/biome', ['check', '.']) !== 0) {
  fail('lint (biome check .; `npm run format` fixes much of it); the tests did not run');
}

const { exit, report } = runVitest(await torchPythonEnvironment());
if (!report) fail(`vitest ended with status ${exit} before it could report; see its output above`);

const summary = summarize(report, vitestArgs);
for (const [reason, titles] of summary.skips) {
  console.log(`\n!! SKIPPED ${titles.length}: ${reason}`);
  for (const title of titles) console.log(`   - ${title}`);
}
if (summary.unselected > 0) console.log(`\n-t did not select ${summary.unselected} tests`);

const skipsForbidden = noSkip && summary.skipped > 0;
const failed = exit !== 0 || summary.failed > 0 || skipsForbidden;
if (skipsForbidden) console.log('\nDAWNGRAD_NO_SKIP=1: the skips above count as failures');
if (exit !== 0 && summary.failed === 0) console.log(`\nvitest ended with status ${exit}; see its errors above`);
console.log(failed ? '\nnpm test FAILED: tests' : '\nnpm test: types, lint and tests are good');
console.log(`\n${summaryLine(summary, exit, noSkip)}`);
process.exitCode = failed ? 1 : 0;
