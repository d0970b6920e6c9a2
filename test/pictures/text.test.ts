/** Text as outlines: shaping, measuring and shortening of any text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, readTypefaces } from '../../src/pictures/text.ts';
import { HARD_NAMES } from './support.ts';

// Without the system's fonts, which differ.
const { regular, bold } = await readTypefaces(
  () => [],
  () => {},
);

test('an outline lies where the text does, and is as wide as measured', () => {
  const { path, width, box } = regular.outline('ants', 20, 100, 50);
  expect(path).toMatch(/^M[\d. -]+[MLQZ\d. -]+Z$/);
  expect(width).toBe(regular.measure('ants', 20));
  expect(box!.left).toBeGreaterThan(100);
  expect(box!.right).toBeLessThan(100 + width);
  // The letters lie between the baseline and not quite the height of the font.
  expect(box!.bottom).toBeGreaterThanOrEqual(50);
  expect(box!.bottom).toBeLessThan(51);
  expect(box!.top).toBeGreaterThan(50 - 20);
  expect(box!.top).toBeLessThan(50 - 10);
  expect(regular.measure('ants', 40)).toBeCloseTo(2 * width, 9);
  expect(bold.measure('ants', 20)).toBeGreaterThan(width);
});

test('letters differ, and letters that the font lacks are boxes', () => {
  const path = (text: string) => regular.outline(text, 20).path;
  const letters = [...new Set('predicted:ants98.3%✓✗…éßΩж')];
  expect(new Set([...letters.map(path), '', path('中')]).size).toBe(letters.length + 2);
  expect(path('中')).toBe(path('国'));
  expect(path('e\u0301')).toBe(path('é'));
});

test('Hebrew runs to the left, even beside other letters', () => {
  const alone = (text: string, x = 0) => regular.outline(text, 20, x).path;
  const alefBet = alone('אב');
  expect(alefBet).toBe(alone('ב') + alone('א', regular.measure('ב', 20)));
  expect(alone('a אב b')).toContain(alone('אב', regular.measure('a ', 20)));
});

test('a text that is too long loses its middle', () => {
  const size = 15;
  const name = 'golden_retriever_of_the_north 98.3 %';
  const room = regular.measure(name, size) * 0.6;
  const short = regular.shorten(name, size, room);
  expect(short).toMatch(/^golden_re.*….*98\.3 %$/);
  expect(regular.measure(short, size)).toBeLessThanOrEqual(room);
  // One more letter would have been too wide.
  expect(regular.measure(`${short}w`, size)).toBeGreaterThan(room);
  expect(regular.shorten(name, size, regular.measure(name, size))).toBe(name);
  expect(regular.shorten(name, size, 1)).toBe('…');
  // Several code points that form one letter are not cut apart.
  const family = '👨‍👩‍👧‍👦';
  expect(regular.shorten(family.repeat(9), size, 60).replaceAll(family, '')).toBe('…');
});

test('printable replaces spaces and breaks, and removes hidden characters', () => {
  expect(printable('a\nb\t\u00a0\u2003c')).toBe('a b c');
  expect(printable('\u202eabc\u2066\u00ad')).toBe('abc');
  expect(printable('می\u200cخواهم')).toBe('می\u200cخواهم');
  expect(printable('\ud800x')).toBe('\ufffdx');
});

test('any text can be drawn and shortened', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 24 }), fc.constantFrom(...HARD_NAMES));
  fc.assert(
    fc.property(texts, fc.integer({ min: 20, max: 200 }), (text, room) => {
      const { path, width } = regular.outline(text, 13, 5, 5);
      expect(path).toMatch(/^[MLQCZ\d. e-]*$/);
      expect(width).toBeGreaterThanOrEqual(0);
      expect(regular.measure(regular.shorten(text, 13, room), 13)).toBeLessThanOrEqual(room);
    }),
    { numRuns: 300, seed: 1 },
  );
});
