/** What is at the place where the demo's pictures are to be. A label among them says which they are. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors.ts';
import { type DemoCounts, pictureFiles } from './pictures.ts';

/** Beside `train/` and `val/`. */
export const LABEL_FILE = 'demo.json';

/** To be raised when the same seed comes to give other pictures. */
const DRAWING = 1;

/** What file managers leave in a folder that somebody has looked at; no picture, and nobody's. */
const OF_FILE_MANAGERS: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);

/** Which pictures. */
export interface Label {
  readonly seed: number;
  readonly counts: DemoCounts;
}

/** What the label file holds. */
export function labelText({ seed, counts }: Label): string {
  const what = 'pictures drawn by the built-in demo of dawngrad';
  return `${JSON.stringify({ what, drawing: DRAWING, seed, train: counts.train, val: counts.val })}\n`;
}

/**
 * `complete`: just these pictures. `nothing`: no folder, or an empty one. `outdated`: nothing but the demo's pictures of this
 * seed, but not all of them, or drawn by another version.
 *
 * @throws FileError if it is anything else
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
      `${folder}: expected the demo's pictures or an empty folder, found ${entries[0]}, which is none of them. ` +
        'It was left as it is; name another folder, or move this one away.',
    );
  }
  if (there.seed !== label.seed) {
    throw new FileError(
      `${folder}: expected the demo's pictures of seed ${label.seed}, found those of seed ${there.seed}. ` +
        'They were left as they are; name another folder, or remove this one.',
    );
  }
  const files = filesBelow(folder);
  const own = new Set([LABEL_FILE, ...pictureFiles(there.counts)]);
  const foreign = files.filter((file) => !own.has(file)).sort();
  if (foreign.length > 0) {
    throw new FileError(
      `${folder}: expected nothing but the demo's pictures, found ${foreign[0]} too` +
        `${foreign.length > 1 ? ` and ${foreign.length - 1} more` : ''}. Move what is yours away, or name another folder.`,
    );
  }
  return there.text === labelText(label) && files.length === own.size ? 'complete' : 'outdated';
}

/** Undefined if the demo did not write it. */
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

/** Everything in it but folders, by its path from there, with slashes. */
function filesBelow(folder: string, below = ''): string[] {
  const entries = readdirSync(join(folder, below), { withFileTypes: true });
  return entries.flatMap((entry) => {
    if (!isSomebodys(entry.name)) return [];
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(folder, path) : [path];
  });
}

const isSomebodys = (name: string): boolean => !OF_FILE_MANAGERS.has(name);
