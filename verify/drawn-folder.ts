/** A folder of drawn pictures in four classes, whose names are hard to show, and hard enough that mistakes are left. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Generator } from '../src/data/index.ts';

const SIDE = 96;
const COUNTS = { train: 14, val: 12 } as const;

type Shape = (x: number, y: number, size: number) => boolean;

/** Markup, another writing, writing from right to left, and joined emoji. */
const CLASSES: Readonly<Record<string, Shape>> = {
  '<b>discs & "rings"': (x, y, size) => Math.hypot(x, y) < size,
  四角: (x, y, size) => Math.max(Math.abs(x), Math.abs(y)) < size,
  مثلث: (x, y, size) => y < size && y > 2 * Math.abs(x) - size,
  '👩‍🔬 crosses of a rather long name, as people give': (x, y, size) =>
    Math.min(Math.abs(x), Math.abs(y)) < size / 3 && Math.max(Math.abs(x), Math.abs(y)) < size,
};

/** @returns the folder, with `train` and `val` */
export async function drawnFolder(root: string): Promise<string> {
  const random = new Generator(5);
  for (const [split, count] of Object.entries(COUNTS)) {
    for (const [name, shape] of Object.entries(CLASSES)) {
      const folder = join(root, split, name);
      mkdirSync(folder, { recursive: true });
      for (let i = 0; i < count; i++)
        await draw(join(folder, `${String(i).padStart(3, '0')} ${split}.png`), shape, random);
    }
  }
  return root;
}

async function draw(path: string, shape: Shape, random: Generator): Promise<void> {
  const colour = () => [0, 1, 2].map(() => 40 + random.randint(176));
  const [inside, outside] = [colour(), colour()];
  const size = 12 + random.randint(22);
  const [left, top] = [size + random.randint(SIDE - 2 * size), size + random.randint(SIDE - 2 * size)];
  const turn = random.uniform(-0.35, 0.35);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [dx, dy] = [x - left, y - top];
      const hit = shape(cos * dx + sin * dy, cos * dy - sin * dx, size);
      for (let c = 0; c < 3; c++) {
        const noisy = (hit ? inside : outside)[c]! + random.uniform(-32, 32);
        pixels[(y * SIDE + x) * 3 + c] = Math.min(255, Math.max(0, noisy));
      }
    }
  }
  await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .png()
    .toFile(path);
}
