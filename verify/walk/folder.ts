/**
 * Draws the folder that docs/walk.md begins with: pictures of four kinds of insects as they come from phones and
 * messengers, with the faults that such folders have. The same seed gives the same files.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Generator } from '../../src/data/index.ts';
import { drawAnt } from '../../src/demo/ant.ts';
import { drawBee } from '../../src/demo/bee.ts';
import type { DrawInsect } from '../../src/demo/insect.ts';
import { drawScene, pictureOf } from '../../src/demo/scene.ts';
import { drawBeetle, drawSpider } from './insects.ts';

/** Each kind with its number of pictures. Beetles are few; the rest of them waits in the folder `more`. */
const KINDS: readonly {
  readonly name: string;
  readonly draw: DrawInsect;
  readonly count: number;
  readonly more?: number;
}[] = [
  { name: 'ants', draw: drawAnt, count: 60 },
  { name: 'bees', draw: drawBee, count: 60 },
  { name: 'beetles', draw: drawBeetle, count: 14, more: 46 },
  { name: 'spiders', draw: drawSpider, count: 60 },
];

/** Pictures that lie in the folder of another kind: how many, which, and where. */
const MISLAID = [
  { count: 6, kind: 'ants', lies: 'bees' },
  { count: 5, kind: 'spiders', lies: 'ants' },
] as const;

const SIDE = 256;
const SEED = 20;
/** Of every so many pictures one is stored on its side, with EXIF's note of it. */
const SIDEWAYS_EVERY = 9;
const QUARTER_TURN = 6;

/** Pictures of each kind that nobody has put into a wrong folder, to judge by. */
const NEW = 25;

/**
 * Writes `insects/`, the folder of the person; `more/`, pictures of beetles that come later; and `new/`, class folders of
 * other pictures, into an empty folder.
 */
export async function drawMessyFolder(folder: string): Promise<void> {
  const random = new Generator(SEED);
  let number = 1000;
  const drawn: Record<string, string[]> = {};
  const draw = async (into: string, kind: DrawInsect) => {
    number += 1 + random.randint(3);
    const path = join(into, `IMG_${number}.jpg`);
    await writePicture(join(folder, path), pictureOf(drawScene(random), kind, SIDE), number % SIDEWAYS_EVERY === 0);
    return path;
  };
  for (const { name, draw: kind, count, more = 0 } of KINDS) {
    for (const into of [join('insects', name), join('new', name), 'more'])
      mkdirSync(join(folder, into), { recursive: true });
    const strays = MISLAID.filter((mislaid) => mislaid.kind === name);
    const astray = strays.reduce((sum, stray) => sum + stray.count, 0);
    drawn[name] = [];
    for (let i = 0; i < count - astray; i++) drawn[name].push(await draw(join('insects', name), kind));
    for (const stray of strays) {
      mkdirSync(join(folder, 'insects', stray.lies), { recursive: true });
      for (let i = 0; i < stray.count; i++) await draw(join('insects', stray.lies), kind);
    }
    for (let i = 0; i < more; i++) await draw('more', kind);
    for (let i = 0; i < NEW; i++) await draw(join('new', name), kind);
  }
  await addFaults(join(folder, 'insects'), (kind, i) => join(folder, drawn[kind]![i]!));
}

/** Copies, broken files, and what is no picture. */
async function addFaults(root: string, picture: (kind: string, index: number) => string): Promise<void> {
  for (const i of [3, 17]) copyFileSync(picture('bees', i), picture('bees', i).replace('.jpg', ' (1).jpg'));
  copyFileSync(picture('ants', 8), join(root, 'spiders', 'received.jpg'));
  await sharp(picture('spiders', 5))
    .resize(180)
    .jpeg({ quality: 60 })
    .toFile(join(root, 'spiders', 'WA0005.jpg'));
  const whole = await sharp(picture('bees', 20)).jpeg().toBuffer();
  writeFileSync(join(root, 'bees', 'IMG_0999.jpg'), whole.subarray(0, whole.length >> 1));
  writeFileSync(join(root, 'ants', 'notes.jpg'), 'not a picture\n');
  writeFileSync(join(root, 'ants', 'ant.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>\n');
  await sharp(picture('ants', 2))
    .resize(6)
    .png()
    .toFile(join(root, 'ants', 'thumbnail.png'));
  await sharp(picture('bees', 2))
    .gif()
    .toFile(join(root, 'bees', 'flight.gif'));
  mkdirSync(join(root, '.thumbnails'), { recursive: true });
  copyFileSync(picture('ants', 0), join(root, '.thumbnails', 'a.jpg'));
  writeFileSync(join(root, 'bees', '._IMG_1004.jpg'), 'macOS\n');
}

async function writePicture(path: string, svg: string, sideways: boolean): Promise<void> {
  const upright = sharp(Buffer.from(svg)).flatten();
  // The note says how to turn what is stored: a quarter to the right.
  const stored = sideways ? upright.rotate(-90).withMetadata({ orientation: QUARTER_TURN }) : upright;
  await stored.jpeg({ quality: 85 }).toFile(path);
}
