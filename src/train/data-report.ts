/** All that can be known of a data set before training: what `data check` prints. */
import { relative, sep } from 'node:path';
import {
  type Alike,
  type CataloguePart,
  type CheckOptions,
  DecoderPool,
  findingsOf,
  folderOf,
  LEFT_OUT_KINDS,
  LEFT_OUT_TEXT,
  type LeftOutKind,
  type PictureFacts,
  type PictureFormat,
  SPLIT_NAMES,
  type SplitName,
  surveyPictures,
  tornLine,
  warningsOf,
  whatOf,
} from '../data/index.ts';
import type { NumberSettings } from '../plan/index.ts';
import { type DataSettings, type FoundPictures, findPictures, type Surveyed } from './find-pictures.ts';
import type { PictureSet } from './pictures.ts';

/** Pictures of one class, by part. Broken ones do not count. */
export interface ClassReport extends Readonly<Record<SplitName, number>> {
  readonly name: string;
}

/** Pictures that are copies of each other, or look alike. */
export interface AlikeReport extends Pick<Alike, 'isExact' | 'crosses' | 'contradicts'> {
  readonly pictures: readonly { readonly name: string; readonly part: SplitName; readonly class: string }[];
}

/** What is known of a data set. Names of pictures are relative to it. JSON can hold it. */
export interface DataReport {
  readonly path: string;
  readonly layout: FoundPictures['layout'];
  /** Set if nobody has divided the pictures: the share that becomes val, and the seed. */
  readonly divided: { readonly valSplit: number; readonly seed: number } | null;
  /** Whether val are the pictures of test, as there are no others. */
  readonly valIsTest: boolean;
  readonly classes: readonly ClassReport[];
  /** Pictures by part, without broken ones. */
  readonly pictures: Readonly<Record<SplitName, number>>;
  /** Width and height of the picture with the fewest pixels, the middle one, and that with the most; null without any. */
  readonly sizes: Readonly<Record<'smallest' | 'median' | 'largest', readonly [number, number]>> | null;
  /** Pictures of each format, the most first. */
  readonly formats: Readonly<Partial<Record<PictureFormat, number>>>;
  /** Pictures that are stored turned or mirrored. */
  readonly turned: number;
  readonly leftOut: readonly {
    readonly kind: LeftOutKind;
    readonly what: string;
    readonly names: readonly string[];
    readonly advice: string;
  }[];
  readonly broken: readonly { readonly name: string; readonly reason: string }[];
  readonly alike: readonly AlikeReport[];
  /** Whether pictures were compared, or only files, as there are too many. */
  readonly compared: boolean;
  /** Names of pictures that are very small. */
  readonly small: readonly string[];
  /** What makes a result doubtful, a sentence each. */
  readonly warnings: readonly string[];
}

export interface DataReportOptions extends DataSettings, CheckOptions {
  readonly settings: Pick<NumberSettings, 'seed' | 'threads' | 'maxPixels'>;
}

/**
 * Decodes all pictures of a data set once, and tells what they are.
 * @throws as `findPictures`; broken pictures are in the report
 */
export async function reportData(path: string, options: DataReportOptions): Promise<DataReport> {
  const found = await findPictures(path, { ...options, onSurvey: () => options.onChecked });
  const { pictures, split, valIsTest, layout } = found;
  const { classes } = pictures;
  const base = folderOf(path);
  const nameOf = (picture: string) => relative(base, picture).split(sep).join('/');
  const sets = SPLIT_NAMES.flatMap((part) => (pictures[part] ? [{ part, set: pictures[part] }] : []));
  const surveyed: (CataloguePart & { readonly broken: readonly BrokenReport[] })[] = [];
  for (const { part, set } of sets) surveyed.push({ part, ...(await surveyOf(set, found.surveyed, options, nameOf)) });
  const facts = surveyed.flatMap((one) => one.facts.filter((known) => known !== undefined));
  const findings = findingsOf(classes.length, surveyed);
  return {
    ...{ path, layout, valIsTest },
    divided: split ? { valSplit: split.valSplit, seed: options.settings.seed } : null,
    classes: classes.map((name, label) => ({ name, ...countsOf(surveyed, (one) => one === label) })),
    pictures: countsOf(surveyed, () => true),
    sizes: sizesOf(facts),
    formats: formatsOf(facts),
    turned: facts.filter(({ isTurned }) => isTurned).length,
    leftOut: leftOutOf(
      sets.map(({ set }) => set),
      nameOf,
    ),
    broken: surveyed.flatMap(({ broken }) => broken),
    alike: findings.alike.map(({ pictures: some, ...rest }) => ({
      ...rest,
      pictures: some.map((one) => ({ name: nameOf(one.path), part: one.part, class: classes[one.label]! })),
    })),
    compared: findings.compared,
    small: findings.small.map(nameOf),
    warnings: [
      ...(split && split.torn.length > 0 ? [tornLine(split.torn)] : []),
      ...warningsOf(findings, classes, ({ path: picture }) => nameOf(picture)),
    ],
  };
}

type BrokenReport = DataReport['broken'][number];

async function surveyOf(
  { samples }: PictureSet,
  known: Surveyed | undefined,
  { settings, signal, onChecked, ignoreOrientation }: DataReportOptions,
  nameOf: (path: string) => string,
) {
  const brokenOf = (path: string, error: Error): BrokenReport => ({ name: nameOf(path), reason: error.message });
  const isKnown = samples.every(({ path }) => known?.facts.has(path) || known?.broken.has(path));
  if (known && isKnown) {
    const broken = samples.flatMap(({ path }) => known.broken.get(path) ?? []);
    return {
      samples,
      facts: samples.map(({ path }) => known.facts.get(path)),
      broken: broken.map(({ path, error }) => brokenOf(path, error)),
    };
  }
  const pool = new DecoderPool(settings.threads, { maxPixels: settings.maxPixels, ignoreOrientation });
  try {
    pool.start();
    const { facts, broken } = await surveyPictures(pool, samples, { signal, onChecked });
    return { samples, facts, broken: broken.map(({ path, error }) => brokenOf(path, error)) };
  } finally {
    await pool.close();
  }
}

function countsOf(parts: readonly CataloguePart[], isWanted: (label: number) => boolean): Record<SplitName, number> {
  const counts = { train: 0, val: 0, test: 0 };
  for (const { part, samples, facts } of parts) {
    counts[part] += samples.filter(({ label }, i) => facts[i] !== undefined && isWanted(label)).length;
  }
  return counts;
}

function sizesOf(facts: readonly PictureFacts[]): DataReport['sizes'] {
  if (facts.length === 0) return null;
  const sorted = facts
    .map(({ width, height }): [number, number] => [width, height])
    .sort(([a, b], [c, d]) => a * b - c * d || a - c);
  return { smallest: sorted[0]!, median: sorted[sorted.length >> 1]!, largest: sorted.at(-1)! };
}

function formatsOf(facts: readonly PictureFacts[]): DataReport['formats'] {
  const counts = new Map<PictureFormat, number>();
  for (const { format } of facts) counts.set(format, (counts.get(format) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
}

function leftOutOf(sets: readonly PictureSet[], nameOf: (path: string) => string): DataReport['leftOut'] {
  return LEFT_OUT_KINDS.flatMap((kind) => {
    const paths = sets.flatMap(({ leftOut, notRead }) =>
      kind === 'hidden' ? leftOut : notRead.filter((file) => file.kind === kind).map(({ path }) => path),
    );
    if (paths.length === 0) return [];
    const { advice } = LEFT_OUT_TEXT[kind];
    return [{ kind, what: whatOf(kind, paths.length), names: paths.map(nameOf), advice }];
  });
}
