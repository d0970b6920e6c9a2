/** Inspects the folder for the demo's pictures. A label file among them records which pictures they are. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';
import { type DemoCounts, pictureFiles } from './pictures.ts';

/** Lies beside `train/` and `val/`. */
export const LABEL_FILE = 'demo.json';

/** Version of the drawing. Raise it when a change makes the same seed give other pictures. */
const DRAWING = 1;

/** Files that file managers leave in a folder; neither pictures nor the user's own. */
const OF_FILE_MANAGERS: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

/** Identifies a set of pictures. */
export interface Label {
  readonly seed: number;
  readonly counts: DemoCounts;
}

/** Content of the label file. */
export function labelText({ seed, counts }: Label): string {
  const what = 'pictures drawn by the built-in demo of dawngrad';
  return `${JSON.stringify({ what, drawing: DRAWING, seed, train: counts.train, val: counts.val })}\n`;
}

/**
 * `complete`: exactly these pictures. `nothing`: no folder, or an empty one. `outdated`: only the demo's pictures of
 * this seed, but incomplete, in other counts, or drawn by another version.
 *
 * @throws FileError if the folder holds anything else
 */
export function inspect(folder: string, label: Label): 'complete' | 'nothing' | 'outdated' {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (!found) return 'nothing';
  if (!found.isDirectory()) throw new FileError(`${folder}: expected a folder for the demo's pictures, found a file`);
  const entries = readdirSync(folder).filter(isSomebodys).sort();
  if (entries.length === 0) return 'nothing';
  const there = entries.includes(LABEL_FILE) ? readLabel(folder) : undefined;
  if (!there) {
    throw new FileError(
      `${folder}: expected the demo's pictures or an empty folder, found ${entries[0]}, which is not one of them. ` +
        'The folder was left unchanged; name another folder, or move this one away.',
    );
  }
  if (there.seed !== label.seed) {
    throw new FileError(
      `${folder}: expected the demo's pictures of seed ${label.seed}, found those of seed ${there.seed}. ` +
        'They were left unchanged; name another folder, or remove this one.',
    );
  }
  const files = filesBelow(folder);
  const own = new Set([LABEL_FILE, ...pictureFiles(there.counts)]);
  const foreign = files.filter((file) => !own.has(file)).sort();
  if (foreign.length > 0) {
    throw new FileError(
      `${folder}: expected nothing but the demo's pictures, found ${foreign[0]} too` +
        `${foreign.length > 1 ? ` and ${foreign.length - 1} more` : ''}. Move your own files away, or name another folder.`,
    );
  }
  return there.text === labelText(label) && files.length === own.size ? 'complete' : 'outdated';
}

/** @returns undefined if the demo did not write the label */
function readLabel(folder: string): (Label & { readonly text: string }) | undefined {
  const text = readFileSync(join(folder, LABEL_FILE), 'utf8');
  try {
    const { drawing, seed, train, val } = JSON.parse(text) as Record<string, unknown>;
    const numbers = [drawing, seed, train, val];
    if (!numbers.every((value) => Number.isSafeInteger(value))) return undefined;
    return { text, seed: seed as number, counts: { train: train as number, val: val as number } };
  } catch {
    return undefined;
  }
}

/** All files below `folder`, by their relative path with slashes. */
function filesBelow(folder: string, below = ''): string[] {
  const entries = readdirSync(join(folder, below), { withFileTypes: true });
  return entries.flatMap((entry) => {
    if (!isSomebodys(entry.name)) return [];
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(folder, path) : [path];
  });
}

const isSomebodys = (name: string): boolean => !OF_FILE_MANAGERS.has(name);
