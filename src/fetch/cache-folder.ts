/** Locates the cache of downloads: a folder of the user's, which may be removed at any time. */
import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/** Environment variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The facts that determine where a system keeps caches. */
export interface System {
  /** As `process.platform`. */
  readonly platform: string;
  /** The user's home folder. */
  readonly home: string;
}

/**
 * The folder that DAWNGRAD_CACHE names, else one where this system keeps caches. Depends only on its arguments and does
 * not access the disk.
 * @returns its path; the folder need not exist yet
 */
export function cacheFolder(
  env: Environment = process.env,
  { platform, home }: System = { platform: process.platform, home: homedir() },
): string {
  const { join, resolve, isAbsolute } = platform === 'win32' ? win32 : posix;
  if (env.DAWNGRAD_CACHE) return resolve(env.DAWNGRAD_CACHE);
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'dawngrad', 'Cache');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'dawngrad');
  // The XDG base directory specification requires that relative paths are ignored.
  const { XDG_CACHE_HOME: xdg } = env;
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.cache'), 'dawngrad');
}
