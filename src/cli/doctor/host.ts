/** Collects the findings that need no adapter: versions, memory, caches, and the variables that choose a driver. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, freemem, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import { driverFacts } from '../../driver/facts.mjs';
import { cacheFolder } from '../../fetch/index.ts';
import { packageVersion } from '../version.ts';
import type { CacheFolder, Host } from './types.ts';

/** Variables that make the Vulkan loader or Mesa choose, hide or force a driver. */
const DRIVER_VARIABLES = [
  'VK_DRIVER_FILES',
  'VK_ICD_FILENAMES',
  'VK_ADD_DRIVER_FILES',
  'VK_LOADER_DRIVERS_SELECT',
  'VK_LOADER_DRIVERS_DISABLE',
  'VK_INSTANCE_LAYERS',
  'VK_LOADER_LAYERS_ENABLE',
  'MESA_VK_DEVICE_SELECT',
  'LIBGL_ALWAYS_SOFTWARE',
  'LP_NUM_THREADS',
];

export async function examineHost(env: NodeJS.ProcessEnv = process.env): Promise<Host> {
  const decoder = await loadDecoder();
  const limit = process.constrainedMemory?.();
  return {
    system: driverFacts().system.name,
    platform: `${process.platform}-${process.arch}`,
    versions: {
      node: process.versions.node,
      dawngrad: packageVersion(),
      webgpu: webgpuVersion(),
      sharp: decoder.sharp,
      libvips: decoder.libvips,
    },
    picturesFailure: decoder.failure,
    cores: availableParallelism(),
    // Without a limit, some systems report 0 and others more than the total memory.
    memory: { total: totalmem(), free: freemem(), limit: limit && limit < totalmem() ? limit : null },
    variables: DRIVER_VARIABLES.filter((name) => env[name]).map((name) => `${name}=${env[name]}`),
    caches: [
      { what: 'downloads', path: cacheFolder(env) },
      ...shaderCaches(env).map((path) => ({ what: 'compiled shaders', path })),
    ].map(measure),
  };
}

/** sharp's binary for this platform may be missing, which only loading it shows. */
async function loadDecoder(): Promise<{ sharp: string; libvips: string; failure: string | null }> {
  try {
    const { default: sharp } = await import('sharp');
    return { sharp: sharp.versions.sharp, libvips: sharp.versions.vips, failure: null };
  } catch (error) {
    return { sharp: 'does not load', libvips: 'unknown', failure: (error as Error).message.trim() };
  }
}

function webgpuVersion(): string {
  try {
    const path = createRequire(import.meta.url).resolve('webgpu/package.json');
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  } catch {
    return 'not installed';
  }
}

/**
 * The existing folders in which drivers keep compiled shaders, or else the one that Mesa would make. On Linux, Mesa has
 * several formats, each with its own folder, and NVIDIA's driver uses another one.
 */
function shaderCaches(env: NodeJS.ProcessEnv): string[] {
  if (process.platform !== 'linux') return [];
  const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const mesa = env.MESA_SHADER_CACHE_DIR || env.MESA_GLSL_CACHE_DIR || caches;
  const candidates = [
    ...['mesa_shader_cache_db', 'mesa_shader_cache', 'mesa_shader_cache_sf'].map((name) => join(mesa, name)),
    env.__GL_SHADER_DISK_CACHE_PATH || join(caches, 'nvidia', 'GLCache'),
  ];
  const existing = candidates.filter((path) => folderSize(path) !== undefined);
  return existing.length > 0 ? existing : candidates.slice(0, 1);
}

function measure(folder: Omit<CacheFolder, 'bytes'>): CacheFolder {
  return { ...folder, bytes: folderSize(folder.path) ?? null };
}

/** Sum of all files below a folder, in bytes; undefined if it is missing or unreadable. */
export function folderSize(path: string): number | undefined {
  try {
    return readdirSync(path, { withFileTypes: true }).reduce((sum, entry) => {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) return sum + (folderSize(inner) ?? 0);
      // Another process may have removed it by now.
      return sum + (statSync(inner, { throwIfNoEntry: false })?.size ?? 0);
    }, 0);
  } catch {
    return undefined;
  }
}
