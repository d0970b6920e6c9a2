/** Writes the demo's pictures into a folder that training reads like any other data set. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { loadSharp } from '../data/index.ts';
import { FileError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { MissingPackageError } from '../optional.ts';
import { inspect, LABEL_FILE, type Label, labelText } from './label.ts';
import { DEMO_COUNTS, type DemoCounts, type DemoPicture, drawPictures, pictureFiles } from './pictures.ts';

export interface DemoOptions {
  /** Determines every picture. */
  readonly seed: number;
  /** Number of pictures of each class; by default the counts that the demo's settings were chosen for. */
  readonly counts?: DemoCounts | undefined;
}

/** Pictures written at once: as many as Node's thread pool has threads. */
const LANES = 4;

/** A killed process leaves its temporary folder behind. Drawing never takes this long. */
const ABANDONED_AFTER_MS = 3_600_000;

/**
 * Draws `folder/train/<class>/NNN.png` and `folder/val/<class>/NNN.png`, all of them or none: it draws into a temporary
 * folder beside `folder` and then renames it. The same seed gives the same bytes. If these pictures exist already,
 * nothing happens. If some are missing, or an older version drew them, all are drawn again, unless other files lie
 * among them.
 *
 * @throws FileError if `folder` holds something else, which is left unchanged, or if it cannot be written
 */
export async function writeDemoPictures(folder: string, options: DemoOptions): Promise<void> {
  const { seed, counts = DEMO_COUNTS } = options;
  const target = resolve(folder);
  const parent = dirname(target);
  const prefix = `.${basename(target)}-`;
  const label: Label = { seed, counts };
  try {
    if (inspect(folder, label) === 'complete') return;
    makeFolder(parent);
    removeLeftovers(parent, prefix);
    await withTemporary(join(parent, `${prefix}${process.pid}-${randomBytes(6).toString('hex')}.tmp`), async (path) => {
      const drawn = join(path, 'drawn');
      await writeAll(drawn, label);
      moveInto(target, drawn, join(path, 'replaced'), () => inspect(folder, label));
    });
  } catch (error) {
    if (error instanceof FileError || error instanceof MissingPackageError) throw error;
    const reason = (error as Error).message;
    throw new FileError(`${folder}: the demo's pictures cannot be written (${reason})`, { cause: error });
  }
}

async function writeAll(root: string, label: Label): Promise<void> {
  const { seed, counts } = label;
  for (const path of new Set(pictureFiles(counts).map((file) => dirname(file)))) makeFolder(join(root, path));
  const pictures = drawPictures(seed, counts);
  const lane = async () => {
    // The lanes share the iterator: each takes the next picture when it is free.
    for (const picture of pictures) await writePicture(root, picture);
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  // Throw only after all lanes have stopped, because the folder is removed next.
  for (const result of lanes) if (result.status === 'rejected') throw result.reason;
  writeFileSync(join(root, LABEL_FILE), labelText(label));
}

async function writePicture(root: string, { file, svg }: DemoPicture): Promise<void> {
  const sharp = await loadSharp();
  await sharp(Buffer.from(svg)).removeAlpha().png().toFile(join(root, file));
}

/** Runs `use` with a temporary folder and removes the folder afterwards, whatever happens. */
async function withTemporary(path: string, use: (path: string) => Promise<void>): Promise<void> {
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    mkdirSync(path);
    await use(path);
  } finally {
    remove();
    process.off('exit', remove);
  }
}

/** @param aside path that an existing `target` is moved to */
function moveInto(target: string, drawn: string, aside: string, inspectNow: () => ReturnType<typeof inspect>): void {
  // Another process may have been quicker.
  if (inspectNow() === 'complete') return;
  if (statSync(target, { throwIfNoEntry: false })) renameSync(target, aside);
  try {
    renameSync(drawn, target);
  } catch (error) {
    if (inspectNow() !== 'complete') throw error;
  }
}

function removeLeftovers(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const path = join(parent, name);
    const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (touched < Date.now() - ABANDONED_AFTER_MS) rmSync(path, { recursive: true, force: true });
  }
}
