/** The flags that say how pictures are found and read. `train` and `data` share them; `predict` has the second. */
import { statSync } from 'node:fs';
import { DEFAULT_VAL_SPLIT, fsPath, isList, LIST_EXTENSIONS } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import { checkValSplit, type DataSettings } from '../train/index.ts';
import { pathOfArgument } from './byte-names.ts';
import { checkExists, flagHelp, toNumber } from './flags.ts';

/** For `parseArgs`. */
export const ORIENTATION_OPTION = { 'ignore-orientation': { type: 'boolean' } } as const;
export const DATA_OPTIONS = { 'val-split': { type: 'string' }, ...ORIENTATION_OPTION } as const;

export const ORIENTATION_HELP = flagHelp('ignore-orientation', [
  'leave pictures as they are stored, as torchvision does, though their EXIF says',
  'how to turn them',
]);

export const DATA_HELP = `${flagHelp('val-split <share>', [
  'the share of each class that becomes val where nobody has divided the pictures;',
  `the same for the same seed and files (default: ${DEFAULT_VAL_SPLIT})`,
])}
${ORIENTATION_HELP}`;

/** @throws UsageError */
export function parseDataFlags(values: Readonly<Record<string, string | boolean | undefined>>): DataSettings {
  const share = values['val-split'] as string | undefined;
  return {
    ...(share !== undefined && { valSplit: checkValSplit(toNumber('val-split', share), '--val-split') }),
    ...(values['ignore-orientation'] === true && { ignoreOrientation: true }),
  };
}

/** @returns the path if pictures may be there: a folder, or a list. @throws UsageError */
export function checkData(shownAs: string, path: string): string {
  if (!isList(path)) {
    const isFile = statSync(fsPath(pathOfArgument(path)), { throwIfNoEntry: false })?.isFile();
    if (!isFile) return checkExists(shownAs, path, 'folder');
    throw new UsageError(
      `${shownAs}: ${path}: expected a folder of pictures, or a list (${LIST_EXTENSIONS.join(' ')}), found another file`,
    );
  }
  if (statSync(fsPath(path), { throwIfNoEntry: false })?.isFile()) return path;
  throw new UsageError(`${shownAs}: ${path}: no such list (${LIST_EXTENSIONS.join(' ')})`);
}
