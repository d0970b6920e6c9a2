// @ts-check
/**
 * Runs before every npm script of this project (`node scripts/setup.mjs train`) and provides its requirements: Node,
 * the npm packages, and a WebGPU adapter. If they are there it installs nothing and ends in a fraction of a second;
 * otherwise it installs them and says so. Plain JavaScript without dependencies, because it runs first.
 *
 *     node scripts/setup.mjs [command] [--dry-run] [--assume-no-adapter]
 *
 * --dry-run only prints the steps; with --assume-no-adapter it also prints those for a machine without an adapter.
 * DAWNGRAD_NO_SETUP=1 skips all of it.
 */

import { fileURLToPath } from 'node:url';
import { nodeProblem } from './setup/node-version.mjs';
import { installPackages, packagesProblem } from './setup/packages.mjs';
import { SetupError, say } from './setup/say.mjs';

/** Commands that never use a device, and those that say themselves what they do without one. */
const WITHOUT_ADAPTER = new Set(['data', 'convert', 'compare', 'report', 'doctor', 'build', 'api', 'docs']);

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param {string} command
 */
async function setUp(command) {
  if (packagesProblem(root)) {
    const { withLock } = await import('./setup/lock.mjs');
    withLock(root, () => {
      // Check again under the lock: another set-up may have installed them in the meantime.
      const problem = packagesProblem(root);
      if (!problem) return;
      say(`${problem}; running npm ci`);
      installPackages(root);
    });
  }
  if (!WITHOUT_ADAPTER.has(command)) await ensureAdapter(command);
}

/** @param {string} command */
async function ensureAdapter(command) {
  const adapter = await import('./setup/adapter.mjs');
  const facts = adapter.adapterFacts(root, process.env);
  if (adapter.rememberedAdapter(root, facts)) return;
  if (lookForAdapter(adapter).found) return;

  const [{ installDriver }, { driverFacts }, { planDriver }, { withLock }] = await Promise.all([
    import('./setup/driver.mjs'),
    import('../src/driver/facts.mjs'),
    import('../src/driver/plan.mjs'),
    import('./setup/lock.mjs'),
  ]);
  withLock(root, () => {
    const before = lookForAdapter(adapter);
    if (before.found) return;
    const plan = planDriver(driverFacts());
    if (plan.kind === 'advise') {
      throw new SetupError(`no WebGPU adapter: ${before.reason}.\n${plan.lines.join('\n')}${withoutSetup(command)}`);
    }
    installDriver(plan);
    const after = lookForAdapter(adapter);
    if (!after.found) {
      throw new SetupError(
        `the driver is installed, but still no WebGPU adapter answers: ${after.reason}.\n` +
          'Check the output of `vulkaninfo --summary` (package vulkan-tools); it should list llvmpipe or a GPU.' +
          withoutSetup(command),
      );
    }
    say(`WebGPU adapter: ${after.info.description || after.info.device}`);
  });
}

/**
 * Probes, and remembers a found adapter with the current facts: a driver may have been installed since the last probe.
 * @param {typeof import('./setup/adapter.mjs')} adapter
 */
function lookForAdapter(adapter) {
  const result = adapter.probeAdapter(root);
  if (result.found) adapter.rememberAdapter(root, adapter.adapterFacts(root, process.env), result.info);
  return result;
}

/** @param {string} command */
function withoutSetup(command) {
  return command === 'test' ? '\nTo run the tests that need no device: DAWNGRAD_NO_SETUP=1 npm test' : '';
}

/** @param {boolean} assumeNoAdapter */
async function dryRun(assumeNoAdapter) {
  const print = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);
  print(`Node ${process.versions.node}: good`);
  const problem = packagesProblem(root);
  print(problem ? `npm packages: ${problem}; would run npm ci, then look for a WebGPU adapter` : 'npm packages: good');
  if (!problem && !assumeNoAdapter) {
    const result = (await import('./setup/adapter.mjs')).probeAdapter(root);
    print(
      `WebGPU adapter: ${result.found ? result.info.description || result.info.device : `none (${result.reason})`}`,
    );
    if (result.found) return;
  }
  const { driverFacts } = await import('../src/driver/facts.mjs');
  const { describePlan, planDriver } = await import('../src/driver/plan.mjs');
  print('Without an adapter:');
  for (const line of describePlan(planDriver(driverFacts()))) print(`  ${line}`);
}

/** @param {string[]} args */
async function main(args) {
  if (process.env.DAWNGRAD_NO_SETUP === '1') return;
  const problem = nodeProblem(process.versions.node);
  if (problem) throw new SetupError(problem);
  if (args.includes('--dry-run')) await dryRun(args.includes('--assume-no-adapter'));
  else await setUp(args.find((arg) => !arg.startsWith('-')) ?? '');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof SetupError ? error.message : error instanceof Error ? (error.stack ?? '') : String(error));
  process.exitCode = 1;
}
