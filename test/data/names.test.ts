/** Names that are not UTF-8, as Python's os.fsdecode and os.fsencode turn them into strings and back. */
import { describe, expect, test } from 'vitest';
import { fsPath, nameFromBytes, printableName } from '../../src/data/index.ts';

describe('a name of bytes', () => {
  // What os.fsdecode gives.
  const cases: [string, number[], string][] = [
    ['in UTF-8', [...Buffer.from('é😀.jpg')], 'é😀.jpg'],
    ['in Latin-1', [0xff, 0xe9, 0x2e], '\udcff\udce9.'],
    ['that breaks off inside a character', [0xe2, 0x82, 0x2e], '\udce2\udc82.'],
    ['with an encoded surrogate', [0xed, 0xb3, 0xbf], '\udced\udcb3\udcbf'],
    ['with both', [0xc3, 0xa9, 0x80, 0xf0, 0x9f, 0x98, 0x80], 'é\udc80😀'],
  ];
  for (const [name, bytes, text] of cases) {
    test(name, () => {
      expect(nameFromBytes(Buffer.from(bytes))).toBe(text);
      expect(Buffer.from(fsPath(text) as string)).toEqual(Buffer.from(bytes));
    });
  }
});

test('for people, what a terminal would obey or cannot show is escaped', () => {
  expect(printableName('a\u001b[31m\n\udcffé😀\u0085')).toBe('a\\x1b[31m\\x0a\\xffé😀\\x85');
  expect(printableName('\ud800')).toBe('\ufffd');
});
