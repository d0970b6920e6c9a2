/** Text from files, made safe for terminals. */

import { expect, test } from 'vitest';
import { listed, printable, printableJson, printableLines, quote } from '../src/printable.ts';

test.each<[string, string, string]>([
  ['an escape sequence', 'a\u001b[2Jb', 'a\\u001b[2Jb'],
  ['a line feed, a bell and DEL', 'a\n\u0007\u007f', 'a\\u000a\\u0007\\u007f'],
  ['the one-byte introducer of C1', '\u009b2J', '\\u009b2J'],
  ['reversed writing', '\u202egnp.exe\u2066', '\\u202egnp.exe\\u2066'],
  ['line and paragraph separators', '\u2028\u2029', '\\u2028\\u2029'],
  ['half a character', 'x\ud800', 'x\\ud800'],
  ['a format character beyond 16 bits', '\u{e0041}', '\\udb40\\udc41'],
  ['other scripts, which stay', 'grüße 日本 می‌خ 🐜', 'grüße 日本 می\\u200cخ 🐜'],
])('printable escapes %s', (_, text, safe) => {
  expect(printable(text)).toBe(safe);
});

test('printable cuts long text, also within a limit of its own', () => {
  expect(printable('x'.repeat(101))).toBe(`${'x'.repeat(100)}…`);
  expect(printable('x'.repeat(101), 200)).toHaveLength(101);
  expect(quote('a"\u001b')).toBe('"a\\"\\u001b"');
});

test('printableLines keeps line feeds only', () => {
  expect(printableLines('a\n\tb\r\u001b')).toBe('a\n\\u0009b\\u000d\\u001b');
  expect(printableLines('x'.repeat(1e6)).length).toBe(20_001);
});

test('listed shows the first names and counts the others', () => {
  expect(listed(['a', 'b\n'])).toBe('a, b\\u000a');
  expect(
    listed(
      Array.from({ length: 50_003 }, (_, i) => `${i}`),
      3,
    ),
  ).toBe('0, 1, 2 and 50,000 more');
  expect(listed([])).toBe('');
});

test('printableJson means the same value', () => {
  const value = { name: '\u001b\u009b\u202e\u{e0041}"\\' };
  const text = printableJson(value);
  expect(text).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(text)).toEqual(value);
});
