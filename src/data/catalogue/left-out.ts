/** Files among the pictures that are not read, and why. */
import { extname } from 'node:path';

/** Why a file is left out, in the order of a table. */
export const LEFT_OUT_KINDS = ['gif', 'svg', 'raw', 'film', 'loose', 'unlabelled', 'other', 'hidden'] as const;
export type LeftOutKind = (typeof LEFT_OUT_KINDS)[number];

/** A file or folder that is left out. */
export interface LeftOut {
  readonly path: string;
  readonly kind: LeftOutKind;
}

const EXTENSIONS: Readonly<Partial<Record<LeftOutKind, readonly string[]>>> = {
  gif: ['.gif'],
  svg: ['.svg', '.svgz', '.pdf', '.eps', '.ai'],
  raw: ['.dng', '.cr2', '.cr3', '.nef', '.arw', '.raf', '.orf', '.rw2', '.psd', '.jxl', '.jp2'],
  film: ['.mov', '.mp4', '.m4v', '.avi', '.mkv', '.webm'],
};

interface LeftOutText {
  /** What one such file is, and several. */
  readonly one: string;
  readonly several: string;
  readonly advice: string;
}

/** What stands before the files' names, and what to do. */
export const LEFT_OUT_TEXT: Readonly<Record<LeftOutKind, LeftOutText>> = {
  gif: { one: 'GIF', several: 'GIF', advice: 'convert them to PNG; torchvision leaves them out too' },
  svg: {
    one: 'drawing (SVG, PDF)',
    several: 'drawings (SVG, PDF)',
    advice: 'export them as PNG, in the size that you want',
  },
  raw: {
    one: 'raw or other format that is not read',
    several: 'raw and other formats that are not read',
    advice: 'export them as JPEG or PNG',
  },
  film: {
    one: 'film, such as the second half of a Live Photo',
    several: 'films, such as the second halves of Live Photos',
    advice: 'save single pictures of them, or remove them',
  },
  loose: {
    one: 'picture beside the class folders',
    several: 'pictures beside the class folders',
    advice: 'move them into the folder of their class',
  },
  unlabelled: {
    one: 'test folder without class folders',
    several: 'test folders without class folders',
    advice: 'nothing; to have the end judged by them, sort its pictures into a folder for each class',
  },
  other: {
    one: 'file that is no picture',
    several: 'files that are no pictures',
    advice: 'nothing, or give pictures the extension of their format',
  },
  hidden: {
    one: 'hidden folder or ._ file',
    several: 'hidden folders and ._ files',
    advice: 'nothing: they are no pictures',
  },
};

/** How many there are, and of what: `2 drawings (SVG, PDF)`. */
export function countedKind(kind: LeftOutKind, count: number): string {
  return `${count} ${whatOf(kind, count)}`;
}

/** What so many files of a kind are. */
export function whatOf(kind: LeftOutKind, count: number): string {
  return LEFT_OUT_TEXT[kind][count === 1 ? 'one' : 'several'];
}

/** Why a file with this name, which has no extension of a picture, is left out. */
export function kindOf(name: string): LeftOutKind {
  const extension = extname(name).toLowerCase();
  return LEFT_OUT_KINDS.find((kind) => EXTENSIONS[kind]?.includes(extension)) ?? 'other';
}
