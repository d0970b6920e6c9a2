/** The whole test suite on other adapters than this machine's: as a GPU would compute it, and on SwiftShader. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { ProbeResult } from '../../scripts/setup/adapter.mjs';
import { swiftShaderOnly } from '../browser/chromium.ts';
import type { Outcome, Row } from '../row.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const suiteGpuVariants: Row = {
  name: 'suite-gpu-variants',
  title: '`npm test` with every device claiming to be a GPU’s, so that all is computed by the kernels that a GPU gets',
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

/** @param wanted what the adapter's description must match */
async function runSuite(changes: NodeJS.ProcessEnv, wanted = /./): Promise<Outcome[]> {
  // Skips are counted here; as failures they would hide what failed.
  const env = { ...process.env, DAWNGRAD_NO_SKIP: '', ...changes };
  const device = adapter(env);
  if (!wanted.test(device)) throw new Error(`The adapter that answers is ${device}.`);
  const claimed = changes.DAWNGRAD_TEST_AS ? `, claiming to be a ${changes.DAWNGRAD_TEST_AS}` : '';
  console.log(`  device of the tests: ${device}${claimed}`);

  const started = performance.now();
  const { status, output } = await npmTest(env);
  const seconds = (performance.now() - started) / 1000;
  // Why tests were skipped, and which failed: they stand far above the end.
  const told = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => /^!! SKIPPED|^\s*FAIL /.test(line));
  for (const line of new Set(told)) console.log(`  ${line.trim()}`);

  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(output);
  if (!counts) throw new Error(`npm test ended with status ${status} and without a count:\n${output.slice(-2000)}`);
  const [passed, failed] = [Number(counts[1]), Number(counts[2])];
  return [
    {
      what: 'tests',
      figure: `${counts[0]}, ${seconds.toFixed(0)} s`,
      bar: '0 failed',
      holds: status === 0 && passed > 0 && failed === 0,
    },
  ];
}

/** What the adapter calls itself under these variables; asked in a process of its own, as drivers are loaded once. */
function adapter(env: NodeJS.ProcessEnv): string {
  const script = join(ROOT, 'scripts/setup/probe.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: ROOT, env, encoding: 'utf8' });
  const answer = stdout.split('\n').find((line) => line.startsWith('{'));
  const result: ProbeResult = answer ? JSON.parse(answer) : { found: false, reason: stderr };
  if (!result.found) throw new Error(`No adapter answers: ${result.reason}`);
  return result.info.description || result.info.device;
}

function npmTest(env: NodeJS.ProcessEnv): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['test'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', reject).on('close', (status) => resolve({ status, output }));
  });
}
