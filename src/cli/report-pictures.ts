/** Finds the pictures of a finished run again, for a page about it, and tells whether they are still the run's. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type FoundParts, type FoundSet, findParts, folderOf, fsPath, isList } from '../data/index.ts';
import { DawngradError, FileError } from '../errors.ts';
import { nameKey } from '../predict/index.ts';
import { listed } from '../printable.ts';
import type { Counts, RunRecord } from '../report/index.ts';
import { countsOf, divideAsRun } from '../train/index.ts';

/** What is known of a run's pictures now. */
export interface FoundAgain {
  /** By class and split, without broken ones. Undefined if the pictures are gone, or are not quite those of the run. */
  readonly counts: Counts | undefined;
  /** What a reader of the page must know, a sentence. It names no path. */
  readonly remark?: string;
  /** Why they cannot be found, for the terminal. */
  readonly reason?: string;
}

const GONE = 'The pictures of the run are gone or were moved, so they are not counted here.';

/**
 * Looks for the pictures where they lay.
 * @param given where they are now, if they were moved: a folder or a list
 * @throws as `checkAreOf`
 */
export async function findAgain(record: RunRecord, given: string | undefined): Promise<FoundAgain> {
  if (given !== undefined) await checkAreOf(record, given);
  const data = placeOf(record, given);
  try {
    const missing = missingFrom(record, given === undefined ? undefined : folderOf(data));
    return await compared(record, data, await findParts(data), missing);
  } catch (error) {
    // A page without them is better than none.
    if (!(error instanceof DawngradError)) throw error;
    return { counts: undefined, remark: GONE, reason: error.message };
  }
}

/** @throws FileError if the pictures at `given` are others than the run's, or there are none */
export async function checkAreOf(record: RunRecord, given: string): Promise<void> {
  const data = placeOf(record, given);
  const found = await findParts(data);
  if (isOther(record, found, missingFrom(record, folderOf(data)))) throw otherPictures(record, given, found);
}

/** Where the run's pictures are: a folder or a list. Of a list that was moved, its folder may be named. */
function placeOf({ config }: RunRecord, given: string | undefined): string {
  if (given === undefined) return config.data;
  const list = join(given, basename(config.data));
  return isList(config.data) && !isList(given) && existsSync(fsPath(list)) ? list : given;
}

/** How many of the judged pictures are not there. */
function missingFrom({ judgement }: RunRecord, folder: string | undefined): number {
  if (!judgement) return 0;
  const base = folder ?? judgement.data;
  return judgement.answers.filter(({ path }) => !existsSync(fsPath(resolve(base, path)))).length;
}

/** Whether these are others than the run's: no judged picture is there; of a run without judgement, no class. */
function isOther({ judgement, config }: RunRecord, found: FoundParts, missing: number): boolean {
  if (judgement) return judgement.answers.length > 0 && missing === judgement.answers.length;
  return unknownClasses(config.classes, found).length === classesOf(found).length;
}

function otherPictures({ folder, config }: RunRecord, given: string, found: FoundParts): FileError {
  return new FileError(
    `--data: ${given}: expected the pictures of ${folder}, of the classes ${listed(config.classes)}, found others, of ` +
      `${listed(classesOf(found))}. Name the folder or list that the run was trained on. Nothing was written.`,
  );
}

async function compared(record: RunRecord, data: string, found: FoundParts, missing: number): Promise<FoundAgain> {
  const { config, judgement } = record;
  const { parts, areOwn, notes } = await divideAsRun(record, data, found);
  const [train, val] = [parts.train, parts.val ?? parts.test];
  const known = (set: FoundSet) => labelledAs(config.classes, set);
  const { classes, skipped } = config;
  const counts = train && val && countsOf({ train: known(train), val: known(val), classes }, skipped);
  const unknown = unknownClasses(config.classes, found);
  const changes = [
    ...(missing > 0 ? [`${missing} of the ${judgement!.answers.length} that it was judged on are gone`] : []),
    ...(unknown.length > 0 ? [`it knows no class ${listed(unknown)}`] : []),
    ...(['train', 'val'] as const).flatMap((split) => {
      const [then, now] = [config.pictures[split], counts && total(counts[split]!)];
      return now === undefined || then === undefined || then === now ? [] : [`${now} in ${split}, and ${then} then`];
    }),
  ];
  if (counts && changes.length === 0 && (areOwn || config.valSplit === undefined)) return { counts };
  const what = changes.length > 0 ? `: ${changes.join('; ')}` : '';
  const remark = `The pictures have changed since the run${what}. So they are not counted here.`;
  return { counts: undefined, remark, ...(notes.length > 0 && { reason: notes.join(' ') }) };
}

function classesOf({ whole, train, val, test }: FoundParts): string[] {
  return [...new Set([whole, train, val, test].flatMap((set) => set?.classes ?? []))];
}

function unknownClasses(known: readonly string[], found: FoundParts): string[] {
  const keys = new Set(known.map(nameKey));
  return classesOf(found).filter((name) => !keys.has(nameKey(name)));
}

/** The pictures of these classes, with the labels that they have there. */
function labelledAs(classes: readonly string[], set: FoundSet): FoundSet {
  const labels = new Map(classes.map((name, label) => [nameKey(name), label]));
  const { root, leftOut, notRead } = set;
  const samples = set.samples.flatMap(({ path, label }) => {
    const known = labels.get(nameKey(set.classes[label]!));
    return known === undefined ? [] : [{ path, label: known }];
  });
  return { root, classes, samples, length: samples.length, leftOut, notRead };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
