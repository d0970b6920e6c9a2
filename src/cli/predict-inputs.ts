/** Finds the pictures that the arguments of `npm run predict` name. */
import { realpathSync, statSync } from 'node:fs';
import { basename, relative, sep } from 'node:path';
import { fsPath, IMAGE_EXTENSIONS, listPictures, nameFromBytes } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { pathOfArgument } from './byte-names.ts';

/** A file that may be a picture. */
export interface Input {
  readonly path: string;
  /** Its path relative to the given folder, or the name of the given file. */
  readonly place: string;
  /** The given folder in which it was found; undefined for a given file. */
  readonly folder?: string;
}

export interface Inputs {
  readonly pictures: readonly Input[];
  /** The problems with arguments that give no picture, one sentence each. */
  readonly problems: readonly string[];
  /** Hidden folders and `._*` files inside given folders. */
  readonly leftOut: readonly string[];
}

/**
 * Lists the given files, with any extension, and all pictures in the given folders. Each folder's pictures are sorted.
 * The arguments keep their order, and an argument given twice counts twice.
 * @param except a folder to skip inside a given folder, because it holds this command's own pictures
 */
export function findInputs(paths: readonly string[], except?: string): Inputs {
  const pictures: Input[] = [];
  const problems: string[] = [];
  const leftOut: string[] = [];
  for (const path of paths) {
    try {
      const found = inputsOf(path, except, leftOut);
      pictures.push(...found);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      problems.push(error.message);
    }
  }
  return { pictures, problems, leftOut };
}

function inputsOf(argument: string, except: string | undefined, leftOut: string[]): Input[] {
  const path = pathOfArgument(argument);
  let isFolder: boolean;
  try {
    isFolder = statSync(fsPath(path)).isDirectory();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file or folder' : `it cannot be read (${message})`;
    throw new FileError(`${path}: ${why}. Check the path.`, { cause });
  }
  // Decoding will show whether it can be read.
  if (!isFolder) return [{ path, place: basename(path) }];
  const found = listPictures(path, leftOut).filter(outside(path, except));
  if (found.length > 0)
    return found.map((picture) => ({ path: picture, place: relative(path, picture), folder: path }));
  throw new FileError(`${path}: no picture in this folder (${IMAGE_EXTENSIONS.join(' ')}).`);
}

/** Whether a picture in `folder` is outside `except`, which need not exist. If `folder` is `except` itself, all are. */
function outside(folder: string, except: string | undefined): (picture: string) => boolean {
  const real = (path: string) => {
    try {
      return nameFromBytes(realpathSync(fsPath(path), 'buffer'));
    } catch {
      return undefined;
    }
  };
  const excluded = except === undefined ? undefined : real(except);
  if (excluded === undefined || excluded === real(folder)) return () => true;
  return (picture) => !real(picture)?.startsWith(excluded + sep);
}
