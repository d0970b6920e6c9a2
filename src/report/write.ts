/** Makes the pages. Their code of the page, and what it needs, load when the first report is due. */
import { UsageError } from '../errors.ts';
import { loadOptional } from '../optional.ts';
import type { OpenFor } from './compared-views.ts';
import type { Counts } from './data.ts';
import { inputOf, type RunRecord } from './run-record.ts';
import { sharedPictures } from './shared.ts';
import type { Eyes } from './views.ts';

/** What a report has beside the files of the run. */
export interface ReportParts {
  /** Without them the report has no pictures. */
  readonly eyes?: Eyes | undefined;
  /** Pictures by class and split. */
  readonly counts?: Counts | undefined;
  /** Where the pictures of the judgement are now; by default where they were. */
  readonly data?: string | undefined;
  /** A sentence for the page on why pictures or heat maps are missing. */
  readonly remark?: string | undefined;
  /** A sentence for the page on what became of the run's pictures. */
  readonly dataRemark?: string | undefined;
}

/**
 * The report of a run as HTML.
 * @throws MissingPackageError; errors of the device
 */
export async function reportOf(record: RunRecord, parts: ReportParts): Promise<string> {
  const { eyes, counts, data, remark, dataRemark } = parts;
  const { runPage } = await loadPage(() => import('./run-page.ts'));
  const { MOST_SHOWN, wrongAnswers } = await import('./mistakes.ts');
  const { shownFolder } = await import('./use.ts');
  const { viewsOf } = await import('./views.ts');
  const { judgement, config } = record;
  const shown = judgement ? wrongAnswers(judgement).slice(0, MOST_SHOWN) : [];
  const views =
    judgement && eyes
      ? await viewsOf(shown, { classes: judgement.classes, data: data ?? judgement.data, input: inputOf(config) }, eyes)
      : new Map();
  const missing = eyes && views.size < shown.length ? missingText(shown.length - views.size) : undefined;
  const remarks = [remark, missing].filter((one) => one !== undefined);
  return runPage({
    ...{ record, views, counts, dataRemark },
    folder: shownFolder(record.folder),
    remark: remarks.length > 0 ? remarks.join(' ') : undefined,
  });
}

function missingText(count: number): string {
  return `${count} of them ${count === 1 ? 'has' : 'have'} no picture here: the file is gone or changed, or there was no room left.`;
}

/** Code that imports the HTML library. */
export function loadPage<T>(load: () => Promise<T>): Promise<T> {
  return loadOptional('hono', 'Writing a report', load);
}

/** What a comparison has beside the files of the runs. */
export interface ComparisonParts {
  /** Opens what each run looks with, in turn. Without it the page has no pictures. */
  readonly open?: OpenFor | undefined;
  /** Where the pictures are now; by default where the first run's were. */
  readonly data?: string | undefined;
}

/**
 * Several runs beside each other as HTML.
 * @param records two to six
 * @throws UsageError for another number of runs; else as `reportOf`
 */
export async function comparisonOf(
  records: readonly RunRecord[],
  { open, data }: ComparisonParts = {},
): Promise<string> {
  const { comparePage, MOST_DISPUTED, MOST_RUNS } = await loadPage(() => import('./compare-page.ts'));
  if (records.length < 2 || records.length > MOST_RUNS) {
    throw new UsageError(`expected 2 to ${MOST_RUNS} runs to compare, found ${records.length}`);
  }
  const { shownFolder } = await import('./use.ts');
  const { comparedViews } = await import('./compared-views.ts');
  const runs = records.map((record) => ({ record, name: shownFolder(record.folder) }));
  const shared = await sharedPictures(records);
  const disputed = shared.disputed.slice(0, MOST_DISPUTED);
  const known = shared.remark === undefined ? [] : [shared.remark];
  if (!open || disputed.length === 0) return comparePage(runs, shared, new Map(), known);
  const { views, remarks } = await comparedViews(records, disputed, open, data);
  const missing = views.size < disputed.length ? [missingText(disputed.length - views.size)] : [];
  return comparePage(runs, shared, views, [...known, ...remarks, ...missing]);
}
