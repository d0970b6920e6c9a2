/** Finds fonts of the system, for characters that the pictures' own font lacks. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, extname, join } from 'node:path';

/** Milliseconds. fontconfig builds its cache on the first call. */
const LONGEST_CALL = 10_000;
const MOST_FOUND = 50;
/** Font files of folders that are looked through, and levels of folders. */
const MOST_FILES = 3000;
const DEEPEST = 5;

const EXTENSIONS: readonly string[] = ['.ttf', '.otf', '.ttc', '.otc'];

/** Names of fonts that cover much, and are plain: the earlier, the better. */
const PREFERRED = [
  ...[
    'notosanscjk',
    'sourcehansans',
    'notosans(sc|tc|jp|kr)',
    'pingfang',
    'hiragino sans gb',
    'msyh',
    'yugoth',
    'malgun',
  ],
  ...['wqy', 'droidsansfallback', 'applesdgothic', 'meiryo', 'simsun', 'notoemoji', 'symbola', 'seguiemj', 'seguisym'],
  ...['apple symbols', 'arial unicode', 'notosans', 'unifont', 'arial', 'segoeui', 'dejavu', 'freesans'],
].map((name) => new RegExp(name, 'i'));

/** Bitmaps in colour, which are no outlines. */
const COLOURED = /color|colour|apple color|twemoji/i;
const SLANTED_OR_HEAVY = /italic|oblique|bold|black|heavy|thin|light|mono(?!chrome)/i;

/** Paths of fonts that may have a character, the best first. */
export type FindFonts = (codePoint: number) => readonly string[];

/** Asks fontconfig where it is there, else looks through the usual folders, once. */
export function systemFonts(): FindFonts {
  let hasFontconfig: boolean | undefined;
  let files: readonly string[] | undefined;
  return (codePoint) => {
    if (hasFontconfig !== false) {
      const found = askFontconfig(codePoint);
      hasFontconfig = found !== undefined;
      if (found) return found;
    }
    files ??= sorted(fontFolders().flatMap((folder) => fontsIn(folder, DEEPEST))).slice(0, MOST_FILES);
    return files;
  };
}

/** The files that fontconfig names for a character; undefined if it is not there. */
function askFontconfig(codePoint: number): string[] | undefined {
  try {
    const args = ['-f', '%{file}\\n', `:charset=${codePoint.toString(16)}`];
    const lines = execFileSync('fc-list', args, {
      encoding: 'utf8',
      timeout: LONGEST_CALL,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n');
    return sorted([...new Set(lines.filter(isFont))]).slice(0, MOST_FOUND);
  } catch {
    return undefined;
  }
}

function isFont(path: string): boolean {
  return EXTENSIONS.includes(extname(path).toLowerCase()) && !COLOURED.test(basename(path));
}

/** Fonts that are preferred by name, upright before others, then by name. */
function sorted(paths: readonly string[]): string[] {
  const rank = (path: string) => {
    const name = basename(path);
    const place = PREFERRED.findIndex((pattern) => pattern.test(name));
    return (place < 0 ? PREFERRED.length : place) * 2 + (SLANTED_OR_HEAVY.test(name) ? 1 : 0);
  };
  const ranked = paths.map((path) => ({ path, place: rank(path) }));
  return ranked.sort((a, b) => a.place - b.place || (a.path < b.path ? -1 : 1)).map(({ path }) => path);
}

function fontFolders(): string[] {
  const home = homedir();
  if (process.platform === 'darwin') {
    return ['/System/Library/Fonts', '/Library/Fonts', join(home, 'Library/Fonts')];
  }
  if (process.platform === 'win32') {
    const { WINDIR = 'C:\\Windows', LOCALAPPDATA = join(home, 'AppData', 'Local') } = process.env;
    return [join(WINDIR, 'Fonts'), join(LOCALAPPDATA, 'Microsoft', 'Windows', 'Fonts')];
  }
  return ['/usr/share/fonts', '/usr/local/share/fonts', join(home, '.local/share/fonts'), join(home, '.fonts')];
}

function fontsIn(folder: string, deepest: number): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return deepest > 1 ? fontsIn(path, deepest - 1) : [];
      return isFont(path) ? [path] : [];
    });
  } catch {
    return [];
  }
}
