/** Test files, run as a part of a check. */
import { stripVTControlCharacters } from 'node:util';
import { run } from './processes.ts';
import { either, type Outcome } from './row.ts';

/**
 * Runs vitest, and names the tests that failed.
 * @param what the tests, in words
 * @param args of `vitest run`
 * @param env added to the environment
 */
export async function testsPass(what: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> {
  const { status, output } = await run('npx', ['vitest', 'run', ...args], { env: { ...process.env, ...env } });
  const text = stripVTControlCharacters(output);
  for (const line of new Set(text.match(/^\s*FAIL .*$/gm))) console.log(`  ${line.trim()}`);
  const counted = /^\s*Tests\s+(.*)$/m.exec(text)?.[1] ?? `no count, status ${status}`;
  return either(`${what}: ${counted}`, status === 0, 'all pass', 'not all pass');
}
