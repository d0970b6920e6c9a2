// @ts-check
/** Gathers the facts that driver-plan.mjs decides on, and carries an installation out. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseAptFiles } from './apt-sources.mjs';
import { identifySystem } from './os-release.mjs';
import { SetupError, say } from './say.mjs';

/** @returns {import('./driver-plan.mjs').Facts} */
export function driverFacts() {
  const osRelease = readIfThere('/etc/os-release') || readIfThere('/usr/lib/os-release');
  return {
    system: identifySystem(process.platform, osRelease),
    root: process.getuid?.() === 0,
    aptGet: existsSync('/usr/bin/apt-get'),
    sources: parseAptFiles(aptFiles()),
    driverVariable: ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']
      .filter((name) => process.env[name])
      .map((name) => `${name}=${process.env[name]}`)[0],
  };
}

function aptFiles() {
  const folder = '/etc/apt/sources.list.d';
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const paths = ['/etc/apt/sources.list', ...names.map((name) => `${folder}/${name}`)];
  return paths.map((path) => ({ path, text: readIfThere(path) }));
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** @param {import('./driver-plan.mjs').InstallPlan} plan */
export function installDriver(plan) {
  say(plan.why);
  const file = plan.listFile;
  if (file) {
    say(`adding ${file.path}`);
    writeFileSync(file.path, file.text);
  }
  for (let attempt = 1; ; attempt++) {
    // A failing update is not the end: one broken source of many fails it, though the lists needed here may have come.
    const updated = aptGet(['update']);
    const installed = aptGet(plan.install);
    if (installed === 0) return;
    if (attempt < 3) {
      say('that failed; trying again in 5 s');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
      continue;
    }
    // Not left behind: a source that cannot be fetched would fail every later apt-get update.
    if (file && updated !== 0) rmSync(file.path, { force: true });
    throw new SetupError(
      `\`apt-get ${plan.install.join(' ')}\` failed three times (exit status ${installed}` +
        `${updated === 0 ? '' : `; apt-get update: ${updated}`}); apt's own message stands above.\n` +
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
