/** Letters that the pictures' own font lacks: other fonts, collections of them, and a word about those that no font has. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import bidiFactory from 'bidi-js';
import { afterAll, expect, test } from 'vitest';
import { visualRuns } from '../../src/pictures/direction.ts';
import { lastFont, readTypefaces } from '../../src/pictures/text.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawngrad-fallback-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { resolve } = createRequire(import.meta.url);
/** Has letters that DejaVu Sans Condensed lacks. */
const OTHER = resolve('dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf');
const LETTER = '\u2336';

const bidi = (bidiFactory as unknown as () => Parameters<typeof visualRuns>[1])();
const runs = (text: string) => visualRuns(text, bidi).map(({ text: own, direction }) => `${direction} ${own}`);

/** A collection of one font: its tables lie behind the collection's header. */
function collection(font: Buffer): Buffer {
  const header = Buffer.from('ttcf\0\u0001\0\0\0\0\0\u0001\0\0\0\u0010', 'latin1');
  const moved = Buffer.from(font);
  for (let i = 0; i < font.readUInt16BE(4); i++) {
    const at = 12 + 16 * i + 8;
    moved.writeUInt32BE(font.readUInt32BE(at) + header.length, at);
  }
  return Buffer.concat([header, moved]);
}

test('a letter of another font is drawn at the same size, beside letters of its own font', async () => {
  const asked: number[] = [];
  const told: string[] = [];
  const collected = join(folder, 'other.ttc');
  writeFileSync(collected, collection(readFileSync(OTHER)));
  const damaged = join(folder, 'damaged.ttf');
  writeFileSync(damaged, 'no font');
  for (const fonts of [[OTHER], [damaged, collected]]) {
    const find = (code: number) => {
      asked.push(code);
      return fonts;
    };
    const { regular, bold } = await readTypefaces(find, (text) => told.push(text));
    const plain = regular.outline('ants', 20);
    expect(asked.splice(0)).toEqual([]);
    const other = regular.outline(LETTER, 20);
    const box = (
      await readTypefaces(
        () => [],
        () => {},
      )
    ).regular.outline(LETTER, 20);
    expect(other.path).not.toBe(box.path);
    const height = other.box!.bottom - other.box!.top;
    expect(height).toBeGreaterThan(4);
    expect(height).toBeLessThan(25);
    const both = regular.outline(`ants${LETTER}`, 20);
    expect(both.path.startsWith(plain.path)).toBe(true);
    expect(both.width).toBeCloseTo(plain.width + other.width, 6);
    expect(bold.outline(LETTER, 20).path).toBe(other.path);
    // The font stays open, and is not searched again.
    expect(asked.splice(0)).toEqual([LETTER.codePointAt(0)]);
  }
  expect(told).toEqual([]);
});

test('letters that no font has are boxes, and each kind is told once with a font to install', async () => {
  const told: string[] = [];
  let searches = 0;
  const find = () => {
    searches++;
    return [];
  };
  const { regular } = await readTypefaces(find, (text) => told.push(text));
  const width = regular.measure('中文', 20);
  expect(width).toBeGreaterThan(0);
  regular.outline('中文 and 中文', 20);
  regular.shorten('中文 中文 中文', 20, width);
  regular.outline('ア', 20);
  regular.outline('🐝 ants', 20);
  regular.outline('\u{16800}', 20);
  expect(told).toEqual([
    expect.stringMatching(
      /^No font here has 中 文 \(Chinese, Japanese or Korean\), so pictures show boxes\. Install one: .*fonts-noto-cjk/,
    ),
    expect.stringMatching(/^No font here has 🐝 \(emoji\).*fonts-symbola/),
    expect.stringMatching(/\(other scripts and signs\).*fonts-noto-core/),
  ]);
  expect(searches).toBe(5);
});

test('without fonts of the system, a package draws the names of nearly every script, and emoji', async () => {
  const told: string[] = [];
  const boxes = await readTypefaces(
    () => [],
    () => {},
  );
  const { regular } = await readTypefaces(
    () => [],
    (text) => told.push(text),
    lastFont(),
  );
  for (const name of ['猫', 'ネコ', '고양이', 'แมว', 'बिल्ली', 'ድመት', '🐝', '👨‍👩‍👧']) {
    const { path, box } = regular.outline(name, 20);
    expect(path, name).not.toBe(boxes.regular.outline(name, 20).path);
    expect(box!.bottom - box!.top, name).toBeGreaterThan(8);
  }
  expect(told).toEqual([]);
});

test('runs stand in the order of Unicode’s algorithm, and a percentage stays behind its name', () => {
  expect(runs('ants 98.3 %')).toEqual(['ltr ants 98.3 %']);
  expect(runs('חתול\u200e 98.3 %')).toEqual(['rtl חתול', 'ltr  98.3 %']);
  // Numbers in a name to the left keep their own order.
  expect(runs('חתול 12 אפור')).toEqual(['rtl  אפור', 'ltr 12', 'rtl חתול ']);
  expect(runs('a (אב) b')).toEqual(['ltr a (', 'rtl אב', 'ltr ) b']);
  expect(runs('אב (גד)\u200e')).toEqual(['rtl אב )גד(']);
});

test('Arabic letters are joined', async () => {
  const { regular } = await readTypefaces(
    () => [],
    () => {},
  );
  const alone = regular.measure('ب', 20);
  // The joined forms of beh are narrower than three that stand alone.
  expect(regular.measure('ببب', 20)).toBeLessThan(3 * alone * 0.8);
});
