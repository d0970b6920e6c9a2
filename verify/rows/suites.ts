/** The whole test suite with the kernels of a GPU, and on SwiftShader. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { ProbeResult } from '../../scripts/setup/adapter.mjs';
import { swiftShaderOnly } from '../browser/chromium.ts';
import { ROOT, run } from '../processes.ts';
import { either, type Outcome, type Row } from '../row.ts';

export const suiteGpuVariants: Row = {
  name: 'suite-gpu-variants',
  title: '`npm test` with every device claiming to be a GPU’s, and so with the kernels for GPUs',
  minutes: 10,
  ci: false,
  run: () => runSuite({ DAWNGRAD_TEST_AS: 'gpu' }),
};

export const suiteSwiftShader: Row = {
  name: 'suite-swiftshader',
  title: '`npm test` on SwiftShader, the software driver of headless Chromium',
  minutes: 15,
  ci: false,
  run: async () => runSuite({ ...swiftShaderOnly() }, /swiftshader/i),
};

/** @param wanted the adapter's description must match it */
async function runSuite(changes: NodeJS.ProcessEnv, wanted = /./): Promise<Outcome[]> {
  // Skipped tests are counted here; as failures they would hide others.
  const env = { ...process.env, DAWNGRAD_NO_SKIP: '', ...changes };
  const device = adapter(env);
  if (!wanted.test(device)) throw new Error(`Expected an adapter like ${wanted}, found ${device}.`);
  const claimed = changes.DAWNGRAD_TEST_AS ? `, claiming to be a ${changes.DAWNGRAD_TEST_AS}` : '';
  console.log(`  device of the tests: ${device}${claimed}`);

  const { status, output, seconds } = await run('npm', ['test'], { env });
  // The reasons of skipped tests and the names of failed ones are far above the end.
  const told = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => /^!! SKIPPED|^\s*FAIL /.test(line));
  for (const line of new Set(told)) console.log(`  ${line.trim()}`);

  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(output);
  if (!counts) throw new Error(`npm test ended with status ${status} and printed no count:\n${output.slice(-2000)}`);
  const [passed, failed] = [Number(counts[1]), Number(counts[2])];
  const good = status === 0 && passed > 0 && failed === 0;
  return [either(`tests: ${counts[0]}, ${seconds.toFixed(0)} s`, good, 'all pass', `exit status ${status}`)];
}

/** The adapter's description with these variables, from a separate process because drivers are loaded once. */
function adapter(env: NodeJS.ProcessEnv): string {
  const script = join(ROOT, 'scripts/setup/probe.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: ROOT, env, encoding: 'utf8' });
  const answer = stdout.split('\n').find((line) => line.startsWith('{'));
  const result: ProbeResult = answer ? JSON.parse(answer) : { found: false, reason: stderr };
  if (!result.found) throw new Error(`No adapter was found: ${result.reason}`);
  return result.info.description || result.info.device;
}
