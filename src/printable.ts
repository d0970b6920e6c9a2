/**
 * Text from a file, made safe for a terminal and for a log. A terminal obeys control characters, and some others hide
 * or reorder what stands beside them. Names of tensors, classes and files, metadata and messages all pass through here.
 * It knows nothing of the host, so every folder may use it.
 */

/** Characters of one quoted name. */
const LONGEST_NAME = 100;
/** Characters of one whole message. */
const LONGEST_MESSAGE = 20_000;
/** Names of one list. */
const MOST_LISTED = 20;

/** Control characters, format characters such as reversed writing, lone surrogates, private ones, other line ends. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const UNSAFE_BUT_NEWLINE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** One line without unsafe characters: `\u001b` stands for an escape. Text beyond `longest` characters is cut. */
export function printable(text: string, longest = LONGEST_NAME): string {
  return cut(text, longest).replace(UNSAFE, escaped);
}

/** A message of several lines: as `printable`, but line feeds stay. */
export function printableLines(text: string, longest = LONGEST_MESSAGE): string {
  return cut(text, longest).replace(UNSAFE_BUT_NEWLINE, escaped);
}

/** The text with the full stop that another sentence after it needs. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** A name in quotation marks, as `printable` shows it. */
export function quote(text: string): string {
  return `"${printable(text).replaceAll('"', '\\"')}"`;
}

/** `a, b, c and 49,997 more`: the first names, printable, and how many follow. */
export function listed(
  names: Iterable<string>,
  most = MOST_LISTED,
  show: (name: string) => string = printable,
): string {
  const shown: string[] = [];
  let count = 0;
  for (const name of names) if (count++ < most) shown.push(show(name));
  const more = count - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more.toLocaleString('en-US')} more` : shown.join(', ');
}

/** A line of JSON with unsafe characters escaped. It means the same value. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, escaped);
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** Escapes each UTF-16 unit, as JSON does. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => hex(character.charCodeAt(i))).join('');
}

function hex(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
