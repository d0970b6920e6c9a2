/** Pictures on which runs disagree, each with where each of the runs looked. */
import { existsSync } from 'node:fs';
import { fsPath } from '../data/index.ts';
import type { Answer } from '../judge/index.ts';
import type { OpenEyes } from './eyes.ts';
import { inputOf, type RunRecord } from './run-record.ts';
import { MOST_PICTURE_BYTES, type View, viewsOf } from './views.ts';

/** A picture for a comparison. */
export interface ComparedView {
  /** `data:` URL of a JPEG. */
  readonly picture: string;
  /** For each run a `data:` URL of a JPEG: the picture under the heat of the run's answer; undefined where there is none. */
  readonly heats: readonly (string | undefined)[];
}

/** What a run looks with, and a sentence on what is missing; undefined if it shall not look. */
export type OpenFor = (
  record: RunRecord,
) => Promise<{ readonly eyes: OpenEyes | undefined; readonly remark?: string | undefined }>;

/** Pictures with the answers of all runs, in the order of the runs. */
interface Asked {
  readonly path: string;
  readonly answers: readonly Answer[];
}

/**
 * Views of pictures, as many as fit `MOST_PICTURE_BYTES` with all their heat maps, the first first. One run looks after
 * the other, so that only one network is on the device.
 * @param data where the pictures are now; by default where those of each run were, else where another's are
 * @throws MissingPackageError; errors of the device
 */
export async function comparedViews(
  records: readonly RunRecord[],
  asked: readonly Asked[],
  open: OpenFor,
  data: string | undefined,
): Promise<{ readonly views: ReadonlyMap<string, ComparedView>; readonly remarks: readonly string[] }> {
  const seen: ReadonlyMap<Answer, View>[] = [];
  const remarks = new Set<string>();
  for (const [i, record] of records.entries()) {
    const { eyes, remark } = await open(record);
    if (remark !== undefined) remarks.add(remark);
    try {
      seen.push(
        await seenBy(
          record,
          eyes,
          asked.map(({ answers }) => answers[i]!),
          data ?? placeOf(record, records),
        ),
      );
    } finally {
      await eyes?.close();
    }
  }
  return { views: together(asked, seen), remarks: [...remarks] };
}

/** The pictures of a run that are gone may be those of another: all are the same. */
function placeOf(record: RunRecord, records: readonly RunRecord[]): string | undefined {
  const places = [record, ...records].flatMap(({ judgement }) => judgement?.data ?? []);
  return places.find((place) => existsSync(fsPath(place)));
}

async function seenBy(
  { judgement, config }: RunRecord,
  eyes: OpenEyes | undefined,
  answers: readonly Answer[],
  data: string | undefined,
): Promise<ReadonlyMap<Answer, View>> {
  if (!judgement || !eyes || data === undefined) return new Map();
  return viewsOf(answers, { classes: judgement.classes, data, input: inputOf(config) }, eyes);
}

function together(asked: readonly Asked[], seen: readonly ReadonlyMap<Answer, View>[]): Map<string, ComparedView> {
  const views = new Map<string, ComparedView>();
  let bytes = 0;
  for (const { path, answers } of asked) {
    const own = answers.map((answer, i) => seen[i]!.get(answer));
    const picture = own.find((view) => view !== undefined)?.picture;
    if (picture === undefined) continue;
    const heats = own.map((view) => view?.heat);
    bytes += heats.reduce((sum, heat) => sum + (heat?.length ?? 0), picture.length);
    if (bytes > MOST_PICTURE_BYTES) break;
    views.set(path, { picture, heats });
  }
  return views;
}
