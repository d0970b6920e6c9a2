// @ts-check
/** Decides whether npm's `prepare` builds the package. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The file that the build writes last. */
const LAST_BUILT = join('dist', 'kernels', 'templates.js');
/** What the build reads. */
const SOURCES = ['src', 'shaders', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export function prepares(root, env) {
  // npm runs `prepare` of a clone twice: when it has installed the clone's packages, which it tells by the first
  // variable, and before it packs the clone, when the user still stands in the project that wants it.
  const forOthers = env._PACOTE_NO_PREPARE_ !== undefined || !isWithin(root, env.INIT_CWD ?? root);
  return forOthers && !isBuilt(root);
}

/**
 * @param {string} folder
 * @param {string} path
 */
function isWithin(folder, path) {
  const below = relative(real(folder), real(path));
  return below === '' || !(below.startsWith('..') || below === path);
}

/** @param {string} path */
function real(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/**
 * Whether a build is there that is newer than all that it is made from.
 * @param {string} root
 */
function isBuilt(root) {
  const built = statSync(join(root, LAST_BUILT), { throwIfNoEntry: false });
  return built !== undefined && SOURCES.every((name) => newest(join(root, name)) <= built.mtimeMs);
}

/**
 * Milliseconds of the last change of a file, or of any file in a folder.
 * @param {string} path
 */
function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map((name) => statSync(join(path, name)).mtimeMs));
}
