/**
 * Names of files as strings, also those that are not UTF-8. A file's name is bytes. As in Python (PEP 383), a byte
 * that is no UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, and turns back into that byte when the file is opened.
 */
import { isUtf8 } from 'node:buffer';
import { realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';

/** The first of the 128 surrogates, less the byte it stands for. */
const ESCAPE = 0xdc00;
const LONE_SURROGATE = /\p{Cs}/u;

/** The name that these bytes are. `fsPath` gives the bytes again. */
export function nameFromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let name = '';
  for (let i = 0; i < bytes.length; ) {
    const length = [1, 2, 3, 4].find((count) => isCharacter(bytes.subarray(i, i + count)));
    name += length ? bytes.toString('utf8', i, i + length) : String.fromCharCode(ESCAPE + bytes[i]!);
    i += length ?? 1;
  }
  return name;
}

function isCharacter(bytes: Buffer): boolean {
  return isUtf8(bytes) && [...bytes.toString('utf8')].length === 1;
}

/** The path as `node:fs` needs it: bytes if it is not UTF-8. */
export function fsPath(path: string): string | Buffer {
  if (!LONE_SURROGATE.test(path)) return path;
  return Buffer.concat(
    Array.from(path, (character) => {
      const code = character.codePointAt(0)!;
      return code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff ? Buffer.of(code - ESCAPE) : Buffer.from(character);
    }),
  );
}

/** A file's path relative to a folder, with slashes on every system; `resolve(folder, place)` is the file again. */
export function placeIn(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

/** The path without links; as it is if there is nothing. */
export function realPath(path: string): string {
  try {
    return nameFromBytes(realpathSync(fsPath(path), 'buffer'));
  } catch {
    return resolve(path);
  }
}

/** A name or path for people: bytes that are no UTF-8, and control characters, are written as `\xff`. */
export function printableName(name: string): string {
  return name.replaceAll(/[\p{Cs}\p{Cc}]/gu, (character) => {
    const code = character.codePointAt(0)!;
    return code <= 0xff || (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff)
      ? `\\x${(code & 0xff).toString(16).padStart(2, '0')}`
      : '\ufffd';
  });
}
