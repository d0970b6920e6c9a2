/** Files among the pictures that are not read, and why. */
import { extname } from 'node:path';

/** Why a file is left out, in the order of a table. */
export const LEFT_OUT_KINDS = ['gif', 'svg', 'raw', 'film', 'loose', 'other', 'hidden'] as const;
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

/** What stands before the files' names, and what to do. */
export const LEFT_OUT_TEXT: Readonly<Record<LeftOutKind, { readonly what: string; readonly advice: string }>> = {
  gif: { what: 'GIF', advice: 'convert them to PNG; torchvision leaves them out too' },
  svg: { what: 'drawings (SVG, PDF)', advice: 'export them as PNG, in the size that you want' },
  raw: { what: 'raw and other formats that are not read', advice: 'export them as JPEG or PNG' },
  film: {
    what: 'films, such as the second half of a Live Photo',
    advice: 'save single pictures of them, or remove them',
  },
  loose: { what: 'pictures beside the class folders', advice: 'move them into the folder of their class' },
  other: { what: 'files that are no pictures', advice: 'nothing, or give pictures the extension of their format' },
  hidden: { what: 'hidden folders and ._ files', advice: 'nothing: they are no pictures' },
};

/** Why a file with this name, which has no extension of a picture, is left out. */
export function kindOf(name: string): LeftOutKind {
  const extension = extname(name).toLowerCase();
  return LEFT_OUT_KINDS.find((kind) => EXTENSIONS[kind]?.includes(extension)) ?? 'other';
}
