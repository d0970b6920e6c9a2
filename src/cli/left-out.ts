/** Tells which files and folders among the pictures are none. */
import { countedKind, LEFT_OUT_KINDS, LEFT_OUT_TEXT, type LeftOut, printableName } from '../data/index.ts';

const NAMES_SHOWN = 3;

/** A line that counts the paths and names some; no line if there is none. */
export function leftOutLines(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const names = paths.slice(0, NAMES_SHOWN).map(printableName).join(', ');
  const more = paths.length > NAMES_SHOWN ? ', …' : '';
  return [
    `Left out: ${countedKind('hidden', paths.length)}, which ${paths.length === 1 ? 'is no picture' : 'are no pictures'}: ${names}${more}`,
  ];
}

/** A line for each kind of files that are not read, but for those that are no pictures in any sense. */
export function notReadLines(files: readonly LeftOut[]): string[] {
  return LEFT_OUT_KINDS.flatMap((kind) => {
    const paths = files.filter((file) => file.kind === kind && kind !== 'other').map(({ path }) => path);
    if (paths.length === 0) return [];
    const { advice } = LEFT_OUT_TEXT[kind];
    const names = paths.slice(0, NAMES_SHOWN).map(printableName).join(', ');
    return [
      `Left out: ${countedKind(kind, paths.length)}: ${names}${paths.length > NAMES_SHOWN ? ', …' : ''} (${advice})`,
    ];
  });
}
