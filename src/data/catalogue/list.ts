/**
 * A list of pictures: CSV (`path,label[,split]`), or JSONL with the same names, a line for each picture. Paths are
 * relative to the list. The list decides what is a picture of which class; the files' names and folders say nothing.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, extname, relative, resolve, sep } from 'node:path';
import { FileError } from '../../errors.ts';
import { loadOptional } from '../../optional.ts';
import { listed, printable, quote } from '../../printable.ts';
import { byCodePoint } from '../image-folder.ts';
import { fsPath, printableName } from '../names.ts';
import { whyUnread } from '../unread.ts';
import { SPLIT_NAMES, type SplitName, splitNamed } from './split-names.ts';

/** A line of a list. */
export interface ListedPicture {
  readonly path: string;
  readonly label: string;
  /** Undefined if the list does not divide its pictures. */
  readonly split: SplitName | undefined;
}

interface Row {
  readonly cells: Readonly<Record<string, unknown>>;
  /** From 1. */
  readonly line: number;
}

const TABLES = ['.csv', '.tsv'];
const LINES = ['.jsonl', '.ndjson'];
/** What a list is told by. */
export const LIST_EXTENSIONS: readonly string[] = [...TABLES, ...LINES];

const COLUMNS = ['path', 'label', 'split'] as const;
/** A million pictures and more; the whole list is in memory. */
const MOST_BYTES = 256 * 2 ** 20;
const MOST_BYTES_OF_A_LINE = 64 * 2 ** 10;

/** Whether this is the name of a list. */
export function isList(path: string): boolean {
  return LIST_EXTENSIONS.includes(extname(path).toLowerCase());
}

/** The folder that the pictures of a data set lie in, or that a list's paths count from. */
export function folderOf(data: string): string {
  return isList(data) ? dirname(data) : data;
}

/**
 * Reads a list. The pictures come sorted by class and path, whatever their order in the list.
 * @throws FileError naming the file and line that is wrong, or pictures that are missing; MissingPackageError
 */
export async function readList(path: string): Promise<ListedPicture[]> {
  const text = readText(path);
  const isTable = !LINES.includes(extname(path).toLowerCase());
  const rows = isTable ? await rowsOfTable(path, text) : rowsOfLines(path, text);
  const pictures = rows.map((row) => pictureOf(path, row));
  if (pictures.length === 0) throw new FileError(`${shown(path)}: expected a line for each picture, found none.`);
  checkOnce(path, pictures, rows);
  checkSplit(path, pictures, rows);
  const missing = pictures.filter((picture) => !statSync(fsPath(picture.path), { throwIfNoEntry: false })?.isFile());
  if (missing.length > 0) {
    const names = listed(
      missing.map((picture) => relative(dirname(path), picture.path)),
      undefined,
      printableName,
    );
    const [one, its] = missing.length === 1 ? ['is', 'this line'] : ['are', 'these lines'];
    // A header of other names is read as a picture.
    const headless = isTable && rows[0]!.line === 1 && missing.includes(pictures[0]!);
    const header = headless
      ? ` Line 1 is read as a picture; if it is the header, it must be ${COLUMNS.slice(0, 2).join()} or ${COLUMNS.join()}.`
      : '';
    throw new FileError(
      `${shown(path)}: ${missing.length} of its ${pictures.length} pictures ${one} missing: ${names}. ` +
        `Paths are relative to the list: correct them, or remove ${its}.${header}`,
    );
  }
  return pictures.sort((a, b) => byCodePoint(a.label, b.label) || byCodePoint(portable(a.path), portable(b.path)));
}

function readText(path: string): string {
  let bytes: Buffer;
  try {
    const { size } = statSync(fsPath(path));
    if (size > MOST_BYTES) {
      throw new FileError(`${shown(path)}: a list of ${size} bytes is beyond the limit of ${MOST_BYTES}. Divide it.`);
    }
    bytes = readFileSync(fsPath(path));
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    throw new FileError(`${shown(path)}: expected a list of pictures, but ${whyUnread(cause)}`, { cause });
  }
  try {
    // It takes the mark at the start away too.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileError(`${shown(path)}: expected text in UTF-8. Save the list as "CSV UTF-8".`, { cause });
  }
}

/** Cells by name. Without a header the columns are path, label, split. */
async function rowsOfTable(path: string, text: string): Promise<Row[]> {
  const { parse } = await loadOptional('csv-parse', 'Reading a list of pictures', () => import('csv-parse/sync'));
  const head = text.slice(0, text.search(/[\r\n]|$/));
  const delimiter = [',', ';', '\t'].find((one) => head.includes(one)) ?? ',';
  let records: { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
  try {
    records = parse(text, {
      ...{ delimiter, info: true, skip_empty_lines: true, relax_column_count: true, trim: true },
      max_record_size: MOST_BYTES_OF_A_LINE,
    }) as unknown as typeof records;
  } catch (cause) {
    throw wrongTable(path, cause);
  }
  const [first] = records;
  const names = first?.record.map((cell) => cell.trim().toLowerCase()) ?? [];
  const hasHeader = names.includes('path') && names.includes('label');
  const twice = hasHeader && names.find((name, i) => name !== '' && names.indexOf(name) < i);
  if (twice) throw wrongLine(path, 1, `expected each column once, found ${quote(twice)} twice`);
  const columns = hasHeader ? names : COLUMNS;
  return records.slice(hasHeader ? 1 : 0).map(({ record, info }) => {
    if (record.length < 2 || record.length > columns.length) {
      throw wrongLine(
        path,
        info.lines,
        `expected ${columns.join(', ')}, found ${record.length} ${record.length === 1 ? 'value' : 'values'}`,
      );
    }
    return { line: info.lines, cells: Object.fromEntries(record.map((cell, i) => [columns[i]!, cell])) };
  });
}

/** What csv-parse calls its errors, in words. */
const TABLE_ERRORS: Readonly<Record<string, string>> = {
  INVALID_OPENING_QUOTE:
    'a quotation mark inside a cell; put the whole cell in quotation marks, and write "" for one in it',
  CSV_INVALID_CLOSING_QUOTE: 'text behind the quotation mark that ends a cell; write "" for a quotation mark in a cell',
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark that is not closed',
  CSV_MAX_RECORD_SIZE: `more than ${MOST_BYTES_OF_A_LINE} bytes; is a quotation mark not closed`,
};

function wrongTable(path: string, cause: unknown): FileError {
  const { code = '', lines, message } = cause as NodeJS.ErrnoException & { readonly lines?: number };
  const what = TABLE_ERRORS[code];
  if (what !== undefined && lines !== undefined) return wrongLine(path, lines, `found ${what}`);
  return new FileError(`${shown(path)}: ${printable(message, 300)}. Correct the list.`, { cause });
}

function rowsOfLines(path: string, text: string): Row[] {
  return text.split('\n').flatMap((content, i) => {
    if (content.trim() === '') return [];
    let cells: unknown;
    try {
      cells = JSON.parse(content);
    } catch {
      // The error below says what was expected.
    }
    if (typeof cells === 'object' && cells !== null && !Array.isArray(cells)) {
      return [{ line: i + 1, cells: cells as Row['cells'] }];
    }
    throw wrongLine(path, i + 1, `expected {"path": …, "label": …}, found ${printable(content, 80)}`);
  });
}

function pictureOf(list: string, { cells, line }: Row): ListedPicture {
  const text = (column: (typeof COLUMNS)[number]) => {
    // Of the prototype nothing is meant.
    const cell = Object.hasOwn(cells, column) ? cells[column] : undefined;
    if (cell === undefined || cell === null) return '';
    if (typeof cell === 'string' || typeof cell === 'number') return String(cell).trim();
    throw wrongLine(list, line, `expected a text as ${column}, found ${printable(JSON.stringify(cell), 80)}`);
  };
  const [path, label, split] = COLUMNS.map(text) as [string, string, string];
  if (path === '' || path.includes('\0')) throw wrongLine(list, line, 'expected the path of a picture, found none');
  if (label === '') throw wrongLine(list, line, `expected the class of ${printable(path)}, found none`);
  const named = splitNamed(split);
  if (split !== '' && named === undefined) {
    throw wrongLine(list, line, `expected a split of ${SPLIT_NAMES.join(', ')}, found ${quote(split)}`);
  }
  return { path: resolve(dirname(list), path), label: printableName(label), split: named };
}

function checkOnce(list: string, pictures: readonly ListedPicture[], rows: readonly Row[]): void {
  const lines = new Map<string, number>();
  pictures.forEach(({ path }, i) => {
    const before = lines.get(path);
    if (before !== undefined) {
      throw wrongLine(list, rows[i]!.line, `the picture ${printableName(path)} is also in line ${before}`);
    }
    lines.set(path, rows[i]!.line);
  });
}

/** All pictures have a split, or none has. */
function checkSplit(list: string, pictures: readonly ListedPicture[], rows: readonly Row[]): void {
  if (pictures.every(({ split }) => split === undefined)) return;
  const without = pictures.findIndex(({ split }) => split === undefined);
  if (without >= 0) {
    throw wrongLine(list, rows[without]!.line, 'expected a split, as other lines have one, found none');
  }
}

function wrongLine(list: string, line: number, what: string): FileError {
  return new FileError(`${shown(list)}: line ${line}: ${what}. Correct the line, or remove it.`);
}

function shown(path: string): string {
  return printableName(path);
}

function portable(path: string): string {
  return path.split(sep).join('/');
}
