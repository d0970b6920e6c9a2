/** What tells one set of pictures from another without reading them: names and sizes of the files, by class folder. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fsPath } from '../data/index.ts';
import type { Phase } from '../models/types.ts';
import type { PictureSet, Pictures } from './pictures.ts';

/** The files of one class: how many, and a hash of their names and sizes. */
export interface ClassFiles {
  readonly files: number;
  readonly sha256: string;
}

/** By `train/ants` and so on. */
export type Fingerprint = Readonly<Record<string, ClassFiles>>;

/** @param pictures all of them, also those that a run leaves out */
export function fingerprintOf(pictures: Pick<Pictures, Phase>): Fingerprint {
  return { ...ofSplit('train', pictures.train), ...ofSplit('val', pictures.val) };
}

/** One hash of all class folders. */
export function hashOf(fingerprint: Fingerprint): string {
  const entries = Object.entries(fingerprint).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}

function ofSplit(phase: Phase, { root, classes, samples }: PictureSet): Fingerprint {
  const found = classes.map((name) => ({ name, files: 0, hash: createHash('sha256') }));
  for (const { path, label } of samples) {
    const one = found[label]!;
    one.files++;
    // The same on every system.
    const name = relative(root, path).split(sep).join('/');
    one.hash.update(`${name}\0${statSync(fsPath(path), { throwIfNoEntry: false })?.size}\n`);
  }
  return Object.fromEntries(
    found.map(({ name, files, hash }) => [`${phase}/${name}`, { files, sha256: hash.digest('hex') }]),
  );
}

/** The class folders that differ, a clause for each: `train/ants (124 files then, 123 now)`. */
export function differences(then: Fingerprint, now: Fingerprint): string[] {
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])].sort();
  return names.flatMap((name) => {
    const [before, after] = [then[name], now[name]];
    if (before && after && before.sha256 === after.sha256) return [];
    if (!before) return [`${name} (new)`];
    if (!after) return [`${name} (gone)`];
    return before.files === after.files
      ? [`${name} (${after.files} files, but other names or sizes)`]
      : [`${name} (${before.files} files then, ${after.files} now)`];
  });
}
