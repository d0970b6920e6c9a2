// @ts-check
/** Gathers the facts about this system that plan.mjs decides on. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parseAptFiles } from './apt-sources.mjs';
import { identifySystem } from './os-release.mjs';

/** @returns {import('./plan.mjs').Facts} */
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
