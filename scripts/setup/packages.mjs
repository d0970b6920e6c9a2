// @ts-check
/**
 * Checks that the npm packages match package-lock.json, and runs `npm ci` if not. A match is remembered as a hash of
 * the lock file in node_modules, so that the usual run only hashes one file and compares two strings.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from './say.mjs';

/** @typedef {{ version?: string, optional?: boolean, link?: boolean, os?: string[], cpu?: string[], libc?: string[] }} LockEntry */

const stampPath = (/** @type {string} */ root) => join(root, 'node_modules', '.cache', 'dawngrad', 'packages');

/**
 * Identifies the installation that a lock file asks for. The platform is part of it, because a node_modules folder that
 * a container shares with its host may hold the binaries of the other platform.
 * @param {string} lockText
 * @param {string} platform
 * @param {string} arch
 */
export function lockKey(lockText, platform, arch) {
  return `${createHash('sha256').update(lockText).digest('hex')} ${platform}-${arch}`;
}

/**
 * The first difference between the lock file and npm's own record of the installed packages
 * (node_modules/.package-lock.json). Optional packages may be missing unless they are the binaries of this platform.
 * @param {Record<string, LockEntry>} wanted `packages` of package-lock.json
 * @param {Record<string, LockEntry>} installed `packages` of the record
 * @param {string} platform
 * @param {string} arch
 * @returns {string | undefined}
 */
export function lockDifference(wanted, installed, platform, arch) {
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link) continue;
    const found = installed[path];
    if (found) {
      if (found.version !== entry.version) return `${path} is ${found.version}, not ${entry.version}`;
      continue;
    }
    // Detecting the libc takes long. Such packages come in pairs, one for each libc.
    const forThisPlatform = entry.os?.includes(platform) && entry.cpu?.includes(arch) && !entry.libc;
    if (!entry.optional || forThisPlatform) return `${path} is missing`;
  }
  return undefined;
}

/**
 * @param {string} root
 * @param {readonly string[]} names packages to look for
 * @returns {string | undefined} the reason to run `npm ci`, or undefined if there is none
 */
export function packagesProblem(root, names = ['webgpu', 'tsx', 'sharp']) {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const modules = join(root, 'node_modules');
  if (!existsSync(modules)) return 'node_modules is missing';
  for (const name of names) {
    if (!existsSync(join(modules, name, 'package.json'))) return `node_modules/${name} is missing`;
  }
  const key = lockKey(lockText, process.platform, process.arch);
  if (readText(stampPath(root)) === key) return undefined;

  const record = readText(join(modules, '.package-lock.json'));
  if (!record) return 'node_modules was not installed from package-lock.json';
  const difference = lockDifference(
    JSON.parse(lockText).packages ?? {},
    JSON.parse(record).packages ?? {},
    process.platform,
    process.arch,
  );
  if (difference) return `node_modules does not match package-lock.json: ${difference}`;
  writeStamp(root, key);
  return undefined;
}

/**
 * Runs `npm ci`. Throws SetupError if it fails.
 * @param {string} root
 */
export function installPackages(root) {
  const modules = join(root, 'node_modules');
  if (isLink(modules)) {
    throw new SetupError(
      `${modules} is a link to ${realpathSync(modules)}, and npm ci would delete what is there. Run \`npm ci\` in the ` +
        'folder that it belongs to, or remove the link.',
    );
  }
  // npm passes its own path to the scripts that it runs. Without that, Windows needs a shell to find npm.cmd.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const viaNpm = npm !== undefined && /npm-cli\.[cm]?js$/.test(npm);
  const result = viaNpm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.error || result.status !== 0) {
    const how = result.error ? result.error.message : `exit status ${result.status ?? result.signal}`;
    throw new SetupError(
      `npm ci failed (${how}); see its own message above.\n` +
        'It needs a network (behind a proxy, set https_proxy). If it says that package.json and ' +
        'package-lock.json are not in sync, run `npm install` once and keep the lock file that it writes.',
    );
  }
  writeStamp(root, lockKey(readFileSync(join(root, 'package-lock.json'), 'utf8'), process.platform, process.arch));
}

/** @param {string} path */
function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/**
 * @param {string} root
 * @param {string} key
 */
function writeStamp(root, key) {
  try {
    mkdirSync(dirname(stampPath(root)), { recursive: true });
    writeFileSync(stampPath(root), key);
  } catch {
    // A read-only checkout works too, but compares each time.
  }
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
