/** The pictures that several runs were judged on. Names do not tell: other data sets have a val/ants/0.jpg too. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileContentHashes, fsPath, MAX_PIXELS, realPath } from '../data/index.ts';
import type { Answer } from '../judge/index.ts';
import type { RunRecord } from './run-record.ts';

/** A picture that some runs name right and others wrong. */
export interface Disputed {
  readonly path: string;
  readonly truth: string;
  /** In the order of the runs. */
  readonly answers: readonly Answer[];
}

/** The pictures that all runs were judged on. */
export interface Shared {
  readonly count: number;
  readonly disputed: readonly Disputed[];
  /** What a reader must know of them, a sentence. */
  readonly remark?: string;
}

const BY_NAME =
  'The runs were judged in different places, of which at least one is gone, so pictures with the same name are taken ' +
  'for the same.';

/** A picture of the first run, and the same of another. */
interface Pair {
  readonly first: Answer;
  readonly other: Answer;
}

/**
 * Pictures of the same name and class are the same if the runs were judged in the same place, or if the files have the
 * same bytes. Where one of the places is gone, the name must do.
 */
export async function sharedPictures(records: readonly RunRecord[]): Promise<Shared> {
  const [first, ...others] = records;
  const matched: ReadonlyMap<Answer, Answer>[] = [];
  let isByName = false;
  for (const other of others) {
    const pairs = pairsOf(first!, other);
    const places = placesOf(first!, other);
    isByName ||= places === 'gone' && pairs.length > 0;
    matched.push(new Map((places === 'differ' ? await sameBytes(first!, other, pairs) : pairs).map(entry)));
  }
  const shared = (first!.judgement?.answers ?? []).flatMap((answer) => {
    const same = matched.map((answers) => answers.get(answer));
    return same.every((one) => one !== undefined) ? [[answer, ...same]] : [];
  });
  const disputed = shared
    .filter((answers) => answers.some(({ right }) => right) && answers.some(({ right }) => !right))
    .map((answers) => ({ path: answers[0]!.path, truth: answers[0]!.truth, answers }));
  return { count: shared.length, disputed, ...(isByName && { remark: BY_NAME }) };
}

const entry = ({ first, other }: Pair) => [first, other] as const;

/** Answers about pictures of the same name and class. */
function pairsOf(first: RunRecord, other: RunRecord): Pair[] {
  const byPath = new Map(other.judgement?.answers.map((answer) => [answer.path, answer]));
  return (first.judgement?.answers ?? []).flatMap((answer) => {
    const same = byPath.get(answer.path);
    return same?.truth === answer.truth ? [{ first: answer, other: same }] : [];
  });
}

/** Whether two runs were judged on the same files. */
function placesOf(first: RunRecord, other: RunRecord): 'same' | 'differ' | 'gone' {
  const [one, two] = [first, other].map(({ judgement }) => judgement && realPath(judgement.data));
  if (one === two) return 'same';
  // The fingerprint of the files that a run has divided itself.
  const { fingerprint } = first.config;
  if (fingerprint !== undefined && fingerprint === other.config.fingerprint) return 'same';
  return [one, two].every((path) => path !== undefined && existsSync(fsPath(path))) ? 'differ' : 'gone';
}

async function sameBytes(first: RunRecord, other: RunRecord, pairs: readonly Pair[]): Promise<Pair[]> {
  const hashes = ({ judgement, config }: RunRecord, side: keyof Pair) =>
    fileContentHashes(
      pairs.map((pair) => resolve(judgement!.data, pair[side].path)),
      config.maxPixels ?? MAX_PIXELS,
    );
  const [one, two] = [await hashes(first, 'first'), await hashes(other, 'other')];
  return pairs.filter((_, i) => one[i] !== undefined && one[i] === two[i]);
}
