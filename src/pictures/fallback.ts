/** Fonts for characters that the pictures' own font lacks, and a word about those that no font has. */
import type { Font, FontCollection } from 'fontkit';
import type { FindFonts } from './system-fonts.ts';

/** Fonts that are kept. CJK fonts have tens of megabytes. */
const MOST_KEPT = 8;
/** Files that are opened for one character. */
const MOST_OPENED = 40;
/** Characters that the note names. */
const NAMED = 12;

/** Joiners and variation selectors, which choose the shape of other characters and have none. */
const SHAPELESS = /^(?:\u200c|\u200d|\p{Variation_Selector})$/u;

export interface FallbackOptions {
  readonly openSync: (path: string) => Font | FontCollection;
  readonly find: FindFonts;
  /** A font for what these lack, if there is one. */
  readonly last?: (() => Font | undefined) | undefined;
  /** Told once for each kind of characters that no font has. */
  readonly onMissing: (text: string) => void;
}

export class Fallback {
  readonly #options: FallbackOptions;
  #kept: Font[] = [];
  #last: Font | undefined;
  /** By code point, where none was found. */
  readonly #missing = new Set<number>();
  readonly #told = new Set<string>();

  constructor(options: FallbackOptions) {
    this.#options = options;
  }

  /** A font that has all characters of this letter; undefined if none is found. */
  fontFor(letter: string): Font | undefined {
    const codes = codePoints(letter);
    const own = this.#kept.find((font) => hasShapes(font, codes));
    if (own) return own;
    const first = codes[0];
    if (first === undefined || this.#missing.has(first)) return undefined;
    for (const font of this.#candidates(first)) {
      if (!hasShapes(font, codes)) continue;
      this.#kept = [font, ...this.#kept].slice(0, MOST_KEPT);
      return font;
    }
    this.#missing.add(first);
    return undefined;
  }

  /** Fonts that may have a character, opened one after another. */
  *#candidates(code: number): Generator<Font> {
    for (const path of this.#options.find(code).slice(0, MOST_OPENED)) yield* this.#fontsOf(path);
    this.#last ??= this.#options.last?.();
    if (this.#last) yield this.#last;
  }

  /** Says once for each kind of characters which font to install. */
  tell(letters: ReadonlySet<string>): void {
    for (const { kind, advice } of KINDS) {
      const own = [...letters].filter((letter) => kindOf(letter) === kind);
      if (own.length === 0 || this.#told.has(kind)) continue;
      this.#told.add(kind);
      const more = own.length > NAMED ? ' …' : '';
      this.#options.onMissing(
        `No font here has ${own.slice(0, NAMED).join(' ')}${more} (${kind}), so pictures show boxes. ` +
          `Install one: ${advice}.`,
      );
    }
  }

  #fontsOf(path: string): readonly Font[] {
    try {
      const opened = this.#options.openSync(path);
      return 'fonts' in opened ? opened.fonts : [opened];
    } catch {
      // A damaged font, or one of a format that is not read.
      return [];
    }
  }
}

interface Kind {
  readonly kind: string;
  readonly pattern: RegExp;
  readonly advice: string;
}

/** The first that fits counts. */
const KINDS: readonly Kind[] = [
  {
    kind: 'Chinese, Japanese or Korean',
    pattern:
      /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303f\uff00-\uffef]/u,
    advice: 'Noto Sans CJK (Debian, Ubuntu: apt-get install fonts-noto-cjk; Fedora: google-noto-sans-cjk-fonts)',
  },
  {
    kind: 'emoji',
    pattern: /\p{Extended_Pictographic}|\p{Regional_Indicator}|[\u{1f3fb}-\u{1f3ff}]/u,
    advice:
      'one with outlines, not only colours, such as Symbola (Debian, Ubuntu: apt-get install fonts-symbola) or Noto Emoji',
  },
  {
    kind: 'other scripts and signs',
    pattern: /./su,
    advice:
      'Noto Sans of that script (Debian, Ubuntu: apt-get install fonts-noto-core; Fedora: google-noto-sans-fonts)',
  },
];

function kindOf(letter: string): string {
  return KINDS.find(({ pattern }) => pattern.test(letter))!.kind;
}

/** The characters of a letter that have a shape. */
export function codePoints(letter: string): number[] {
  return Array.from(letter)
    .filter((character) => !SHAPELESS.test(character))
    .map((character) => character.codePointAt(0)!);
}

/** Whether the font has an outline of each: one of bitmaps or colours has glyphs, but none. */
function hasShapes(font: Font, codes: readonly number[]): boolean {
  try {
    return codes.every(
      (code) => font.hasGlyphForCodePoint(code) && font.glyphForCodePoint(code).path.commands.length > 0,
    );
  } catch {
    return false;
  }
}

/** A letter as this font can draw it: without joiners and selectors that would be boxes. */
export function drawable(text: string, font: Font): string {
  return Array.from(text)
    .filter((character) => !SHAPELESS.test(character) || font.hasGlyphForCodePoint(character.codePointAt(0)!))
    .join('');
}
