/** Saves pictures with their classes written underneath, for `npm run predict -- --save`. */
import { existsSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { type Picture, printableName } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { annotatePicture } from '../pictures/index.ts';
import type { Ranking } from '../predict/index.ts';
import { writeFileAtomic } from '../weights/index.ts';
import type { Input } from './predict-inputs.ts';

/** Creates the folder before anything is computed, so that a bad path fails early. @throws FileError if that fails */
export function makeSaveFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (cause) {
    throw new FileError(
      `${folder}: the folder for annotated pictures cannot be made (${(cause as Error).message}). Give another folder to --save.`,
      { cause },
    );
  }
}

/**
 * Writes a picture with its classes as a PNG in `folder`. The PNG shows the whole picture, not only the network's crop,
 * and keeps its path relative to its source folder. It replaces no file: neither the picture itself, if it is in the
 * same folder, nor another of that name.
 * @returns the PNG's path
 * @throws FileError if the PNG cannot be written; MissingPackageError if that needs a package that is not installed
 */
export async function savePicture(folder: string, { place }: Input, picture: Picture, top: Ranking): Promise<string> {
  const lines = top.map(({ name, probability }) => `${name}\u200e ${(probability * 100).toFixed(1)} %`);
  const png = await annotatePicture(picture, lines);
  const target = freePath(folder, printableName(place));
  makeSaveFolder(dirname(target));
  writeFileAtomic(target, [png]);
  return target;
}

/** `ants/photo.png` for `ants/photo.jpg`, else `ants/photo-2.png`, and so on. */
function freePath(folder: string, place: string): string {
  const { dir, name } = parse(place);
  for (let number = 1; ; number++) {
    const path = join(folder, dir, `${name}${number === 1 ? '' : `-${number}`}.png`);
    if (!existsSync(path)) return path;
  }
}
