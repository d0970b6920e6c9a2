/** Makes folders. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder and those above it that are missing. Node's own `recursive` never comes back where the system answers
 * "no such file" under a folder that is there, as it does in /proc.
 * @returns the topmost folder that was made; undefined if all were there
 * @throws the system's error if one cannot be made, or a file lies in its place
 */
export function makeFolder(path: string): string | undefined {
  const missing = missingFolders(resolve(path));
  // Says what lies in its place.
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path);
  let first: string | undefined;
  for (const folder of missing) if (makeOne(folder)) first ??= folder;
  return first;
}

/** The topmost first. */
function missingFolders(path: string): string[] {
  const above = dirname(path);
  if (existsSync(path) || above === path) return [];
  return [...missingFolders(above), path];
}

/** @returns false if another process has made it meanwhile */
function makeOne(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return false;
    throw error;
  }
}
