/** A folder of pictures as people have it: nobody has divided it, and all sorts of files lie in it. All is drawn. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Generator, loadSharp } from '../../src/data/index.ts';

const HEIC = fileURLToPath(new URL('../golden/data/heic/turned.heic', import.meta.url));

/** Pictures of each class that are like no other. */
export const MESSY_COUNTS = { bee: 20, beetle: 5 } as const;

/** A picture of soft blobs of colour, as sharp's, unlike those of other seeds. */
export async function drawBlobs(seed: number, width = 60, height = 44) {
  const sharp = await loadSharp();
  const random = new Generator(seed);
  const colours = Buffer.from(Array.from({ length: 6 * 5 * 3 }, () => random.randint(256)));
  const pixels = await sharp(colours, { raw: { width: 6, height: 5, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'cubic' })
    .raw()
    .toBuffer();
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/**
 * Draws the folder. Names and contents do not depend on the order in which the files are made.
 * @param backwards whether they are made in the reverse order, in which some systems list them
 */
export async function drawMessyFolder(root: string, backwards = false): Promise<string> {
  const write = async (path: string, bytes: Uint8Array | string) => writeFileSync(join(root, path), bytes);
  const png = async (seed: number) => (await drawBlobs(seed)).png().toBuffer();
  for (const folder of ['bee/.ipynb_checkpoints', 'beetle']) mkdirSync(join(root, folder), { recursive: true });
  const two = (i: number) => String(i).padStart(2, '0');
  const files: (() => Promise<void>)[] = [
    ...Array.from({ length: MESSY_COUNTS.bee }, (_, i) => async () => write(`bee/${two(i)}.png`, await png(i))),
    ...Array.from({ length: MESSY_COUNTS.beetle }, (_, i) => async () => write(`beetle/${i}.png`, await png(100 + i))),
    async () => write('bee/copy.png', await png(0)),
    async () => write('bee/smaller.jpg', await (await drawBlobs(1, 45, 33)).jpeg({ quality: 60 }).toBuffer()),
    async () => write('beetle/wrong.png', await png(2)),
    async () => write('bee/side.jpg', await (await drawBlobs(30)).withMetadata({ orientation: 6 }).jpeg().toBuffer()),
    async () => write('bee/new.avif', await (await drawBlobs(31)).avif().toBuffer()),
    async () => copyFileSync(HEIC, join(root, 'beetle/phone.heic')),
    async () => write('beetle/tiny.png', await (await drawBlobs(32, 12, 9)).png().toBuffer()),
    async () => write('bee/broken.png', (await png(33)).subarray(0, 700)),
    async () => write('bee/moving.gif', await (await drawBlobs(34)).gif().toBuffer()),
    async () => write('bee/icon.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    async () => write('bee/live.mov', 'not a film'),
    async () => write('bee/notes.txt', 'a bee'),
    async () => write('bee/._00.png', 'of macOS'),
    async () => write('bee/.ipynb_checkpoints/00.png', await png(0)),
    async () => write('loose.png', await png(35)),
  ];
  for (const make of backwards ? files.reverse() : files) await make();
  return root;
}

/** The same pictures as a list, in any order of its lines. */
export function writeMessyList(root: string, names: readonly string[], file: string): string {
  const lines = names.map((name) => `${name},${name.split('/')[0]}`);
  writeFileSync(join(root, file), `path,label\n${lines.join('\n')}\n`);
  return join(root, file);
}

/** The bytes of a drawn HEIC that its container turns. */
export const heicBytes = (): Buffer => readFileSync(HEIC);
