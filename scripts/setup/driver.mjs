// @ts-check
/** Carries out the installation that src/driver/plan.mjs planned. */

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { SetupError, say } from './say.mjs';

/** @param {import('../../src/driver/plan.mjs').InstallPlan} plan */
export function installDriver(plan) {
  say(plan.why);
  const file = plan.listFile;
  if (file) {
    say(`adding ${file.path}`);
    writeFileSync(file.path, file.text);
  }
  for (let attempt = 1; ; attempt++) {
    // Go on after a failed update: one broken source fails it, though the lists needed here may have arrived.
    const updated = aptGet(['update']);
    const installed = aptGet(plan.install);
    if (installed === 0) return;
    if (attempt < 3) {
      say('that failed; trying again in 5 s');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
      continue;
    }
    // Remove the source: if it cannot be fetched, it would fail every later apt-get update.
    if (file && updated !== 0) rmSync(file.path, { force: true });
    throw new SetupError(
      `\`apt-get ${plan.install.join(' ')}\` failed three times (exit status ${installed}` +
        `${updated === 0 ? '' : `; apt-get update: ${updated}`}); see apt's own message above.\n` +
        'Check the network and that no other apt-get is running (`dpkg --configure -a` repairs an interrupted one), then run this again.',
    );
  }
}

/**
 * @param {string[]} args
 * @returns {number} exit status
 */
function aptGet(args) {
  const patient = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  const result = spawnSync('apt-get', [...patient, ...args], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (result.error) throw new SetupError(`apt-get could not be started: ${result.error.message}`);
  return result.status ?? 1;
}
