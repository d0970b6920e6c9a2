// @ts-check
/**
 * Finds out whether a WebGPU adapter answers. The probe takes a second and loads drivers, so a found adapter is
 * remembered together with everything that the answer depends on. That is the webgpu package, the Vulkan drivers'
 * manifests, the graphics devices, and the variables that the Vulkan loader reads. A failure is never remembered.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROBE_TIMEOUT_MS = 120_000;

/** Folders in which the Vulkan loader looks for drivers' manifests. */
const MANIFEST_FOLDERS = [
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/local/etc/vulkan/icd.d',
];

/** Variables that change which driver the Vulkan loader picks, or whether it finds one at all. */
const LOADER_VARIABLES = [
  'VK_DRIVER_FILES',
  'VK_ICD_FILENAMES',
  'VK_ADD_DRIVER_FILES',
  'VK_LOADER_DRIVERS_SELECT',
  'VK_LOADER_DRIVERS_DISABLE',
  'VK_LOADER_LAYERS_ENABLE',
  'VK_INSTANCE_LAYERS',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
];

const cachePath = (/** @type {string} */ root) => join(root, 'node_modules', '.cache', 'dawngrad', 'adapter.json');

/**
 * @typedef {{ vendor: string, architecture: string, device: string, description: string }} AdapterInfo
 * @typedef {{ found: true, info: AdapterInfo } | { found: false, reason: string }} ProbeResult
 */

/**
 * All that a remembered answer depends on.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {Record<string, unknown>}
 */
export function adapterFacts(root, env) {
  const webgpu = JSON.parse(readFileSync(join(root, 'node_modules', 'webgpu', 'package.json'), 'utf8')).version;
  const home = env.XDG_DATA_HOME ?? (env.HOME ? join(env.HOME, '.local', 'share') : undefined);
  const folders = home ? [...MANIFEST_FOLDERS, join(home, 'vulkan', 'icd.d')] : MANIFEST_FOLDERS;
  const listed = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES']
    .flatMap((name) => (env[name] ?? '').split(delimiter))
    .filter(Boolean);
  return {
    webgpu,
    platform: `${process.platform}-${process.arch}`,
    manifests: [...folders.flatMap(manifestsIn), ...listed].map(fingerprint),
    devices: [...entries('/dev/dri'), ...entries('/dev').filter((name) => /^(nvidia\d+|dxg|kfd|mali\d*)$/.test(name))],
    variables: LOADER_VARIABLES.filter((name) => env[name] !== undefined).map((name) => `${name}=${env[name]}`),
  };
}

/** @param {string} folder */
function manifestsIn(folder) {
  return entries(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(folder, name));
}

/** @param {string} folder */
function entries(folder) {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** @param {string} path */
function fingerprint(path) {
  try {
    const { mtimeMs, size } = statSync(path);
    return `${path} ${size} ${Math.round(mtimeMs)}`;
  } catch {
    return `${path} missing`;
  }
}

/**
 * @param {string} root
 * @param {Record<string, unknown>} facts
 * @returns {AdapterInfo | undefined}
 */
export function rememberedAdapter(root, facts) {
  try {
    const cached = JSON.parse(readFileSync(cachePath(root), 'utf8'));
    return JSON.stringify(cached.facts) === JSON.stringify(facts) ? cached.info : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} root
 * @param {Record<string, unknown>} facts
 * @param {AdapterInfo} info
 */
export function rememberAdapter(root, facts, info) {
  try {
    mkdirSync(dirname(cachePath(root)), { recursive: true });
    writeFileSync(cachePath(root), `${JSON.stringify({ facts, info }, null, 2)}\n`);
  } catch {
    // A read-only checkout works too, but probes each time.
  }
}

/**
 * Probes in a child process: a driver that crashes ends only the child, and this process has no threads of Dawn.
 * @param {string} root
 * @returns {ProbeResult}
 */
export function probeAdapter(root) {
  const script = fileURLToPath(new URL('./probe.mjs', import.meta.url));
  const child = spawnSync(process.execPath, [script], { cwd: root, encoding: 'utf8', timeout: PROBE_TIMEOUT_MS });
  return readProbe({
    stdout: child.stdout ?? '',
    stderr: child.stderr ?? '',
    status: child.status,
    signal: child.signal,
    error: child.error?.message,
  });
}

/**
 * Interprets the probe's output. If the child crashes after it answered, as drivers do on exit, the answer counts.
 * @param {{ stdout: string, stderr: string, status: number | null, signal: string | null, error?: string | undefined }} child
 * @returns {ProbeResult}
 */
export function readProbe(child) {
  const answer = child.stdout.split('\n').find((line) => line.startsWith('{'));
  if (answer) {
    try {
      return JSON.parse(answer);
    } catch {
      // The answer was cut short by a crash, which is reported below.
    }
  }
  const how = child.error ?? (child.signal ? `was ended by ${child.signal}` : `ended with status ${child.status}`);
  const detail = child.stderr.trim().split('\n').slice(-5).join('\n');
  return { found: false, reason: `the process that asked for an adapter ${how}${detail ? `:\n${detail}` : ''}` };
}
