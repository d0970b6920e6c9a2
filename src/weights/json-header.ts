/**
 * Reads the JSON object at the head of a safetensors file. `JSON.parse` keeps only the last of two equal names, takes
 * ten seconds for deep nesting, and makes thirty times the text's size in objects. This reader refuses repeated names,
 * hands over one entry after the other, and limits depth and number of an entry's values. Its time is linear.
 *
 * Source: RFC 8259.
 */

import { quote } from '../printable.ts';

/** A JSON value. Objects are maps, so that no name means anything to JavaScript. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonMap;
export type JsonMap = Map<string, JsonValue>;

/** An entry is an object with a list or with strings in it. */
const DEEPEST = 8;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/** @throws the error of `fail` */
type Fail = (found: string) => never;

/**
 * Calls `onEntry` for each entry of the object, in order.
 * @param mostValues the most values in one entry
 * @param fail throws; gets what is wrong and at which character, with no text of the file but repeated names
 */
export function readJsonObject(
  text: string,
  onEntry: (name: string, value: JsonValue) => void,
  mostValues: (name: string) => number,
  fail: Fail,
): void {
  new Reader(text, mostValues, fail).run(onEntry);
}

class Reader {
  readonly #text: string;
  readonly #mostValues: (name: string) => number;
  readonly #fail: Fail;
  #at = 0;
  #valuesLeft = 0;

  constructor(text: string, mostValues: (name: string) => number, fail: Fail) {
    this.#text = text;
    this.#mostValues = mostValues;
    this.#fail = fail;
  }

  run(onEntry: (name: string, value: JsonValue) => void): void {
    this.#space();
    if (this.#text[this.#at] !== '{') this.#wrong('an object was expected');
    const names = new Set<string>();
    this.#members((name) => {
      if (names.has(name)) this.#wrong(`the name ${quote(name)} is repeated`);
      names.add(name);
      this.#valuesLeft = this.#mostValues(name);
      onEntry(name, this.#value(1));
    });
    this.#space();
    if (this.#at !== this.#text.length) this.#wrong('text follows the object');
  }

  /** Reads from `{` to `}`; `onName` reads the value. */
  #members(onName: (name: string) => void): void {
    this.#at++;
    if (this.#takes('}')) return;
    do {
      this.#space();
      const name = this.#string();
      if (!this.#takes(':')) this.#wrong('":" was expected');
      this.#space();
      onName(name);
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#wrong('"," or "}" was expected');
  }

  #value(depth: number): JsonValue {
    if (--this.#valuesLeft < 0) this.#wrong('an entry has too many values');
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === '{' || first === '[') {
      if (depth > DEEPEST) this.#wrong(`values are nested deeper than ${DEEPEST}`);
      return first === '{' ? this.#object(depth) : this.#list(depth);
    }
    const word = WORDS.find(([name]) => this.#text.startsWith(name, this.#at));
    if (word) {
      this.#at += word[0].length;
      return word[1];
    }
    NUMBER.lastIndex = this.#at;
    const [digits] = NUMBER.exec(this.#text) ?? [];
    if (digits === undefined) this.#wrong('a value was expected');
    this.#at += digits.length;
    return Number(digits);
  }

  #object(depth: number): JsonMap {
    const map: JsonMap = new Map();
    this.#members((name) => {
      if (map.has(name)) this.#wrong(`the name ${quote(name)} is repeated`);
      map.set(name, this.#value(depth + 1));
    });
    return map;
  }

  #list(depth: number): JsonValue[] {
    this.#at++;
    const items: JsonValue[] = [];
    if (this.#takes(']')) return items;
    do {
      this.#space();
      items.push(this.#value(depth + 1));
    } while (this.#takes(','));
    if (!this.#takes(']')) this.#wrong('"," or "]" was expected');
    return items;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#wrong('a string was expected');
    let escapes = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        return escapes ? this.#unescape(start, at + 1) : this.#text.slice(start + 1, at);
      }
      if (code < 0x20) {
        this.#at = at;
        this.#wrong('a string holds a control character');
      }
      if (code === 0x5c) {
        escapes = true;
        at++;
      }
    }
    return this.#wrong('a string does not end');
  }

  /** The one part that `JSON.parse` does: a single string, with its quotation marks. */
  #unescape(start: number, end: number): string {
    let text: string;
    try {
      text = JSON.parse(this.#text.slice(start, end)) as string;
    } catch {
      this.#at = start;
      return this.#wrong('a string holds an unknown escape');
    }
    // Half a character cannot be written again.
    if (/\p{Cs}/u.test(text)) this.#wrong('a string holds half a character');
    return text;
  }

  #takes(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  #wrong(found: string): never {
    return this.#fail(`${found}, at character ${this.#at}`);
  }
}
