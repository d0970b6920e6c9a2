/** Which pictures the arguments of `npm run predict` mean. */
import { realpathSync, statSync } from 'node:fs';
import { basename, relative, sep } from 'node:path';
import { IMAGE_EXTENSIONS, listPictures } from '../data/index.ts';
import { FileError } from '../errors.ts';

/** A file that may be a picture. */
export interface Input {
  readonly path: string;
  /** Its place below the folder that was given, or the name of the file that was given. */
  readonly place: string;
}

export interface Inputs {
  readonly pictures: readonly Input[];
  /** What is wrong with arguments that give no picture, a sentence each. */
  readonly problems: readonly string[];
}

/**
 * Files as they are given, whatever their names end in, and of folders all pictures below, sorted; in the order of the
 * arguments, twice what is given twice.
 * @param except a folder whose pictures are not meant where it lies in a folder that is given: it holds this command's own
 */
export function findInputs(paths: readonly string[], except?: string): Inputs {
  const pictures: Input[] = [];
  const problems: string[] = [];
  for (const path of paths) {
    try {
      const found = inputsOf(path, except);
      pictures.push(...found);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      problems.push(error.message);
    }
  }
  return { pictures, problems };
}

function inputsOf(path: string, except: string | undefined): Input[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file or folder' : `it cannot be read (${message})`;
    throw new FileError(`${path}: ${why}. Check the path.`, { cause });
  }
  // Whether it can be read shows when it is decoded.
  if (!isFolder) return [{ path, place: basename(path) }];
  const found = listPictures(path).filter(outside(path, except));
  if (found.length > 0) return found.map((picture) => ({ path: picture, place: relative(path, picture) }));
  throw new FileError(`${path}: no picture in this folder (${IMAGE_EXTENSIONS.join(' ')}).`);
}

/** Whether a picture below `folder` lies outside of `except`, which need not exist. A folder given itself is meant. */
function outside(folder: string, except: string | undefined): (picture: string) => boolean {
  const real = (path: string) => {
    try {
      return realpathSync(path);
    } catch {
      return undefined;
    }
  };
  const excluded = except === undefined ? undefined : real(except);
  if (excluded === undefined || excluded === real(folder)) return () => true;
  return (picture) => !real(picture)?.startsWith(excluded + sep);
}
