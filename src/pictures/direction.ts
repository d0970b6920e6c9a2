/** The order in which parts of a line stand: Unicode's bidirectional algorithm (UAX #9), by bidi-js. */
import type { Bidi } from 'bidi-js';

/** Characters of one direction, in the order of reading. */
export interface Run {
  readonly text: string;
  readonly direction: 'ltr' | 'rtl';
}

/** Letters of right-to-left scripts, without which every line runs to the right. */
const LEFTWARD =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

/** Marks that have a direction and no shape. */
const MARKS = /[\u200e\u200f]/g;

/**
 * The runs of a line from left to right. The line itself runs to the right, so that what stands behind a name stays
 * there. Brackets in a run to the left are mirrored.
 */
export function visualRuns(text: string, bidi: Bidi): Run[] {
  if (!LEFTWARD.test(text)) return [{ text: text.replace(MARKS, ''), direction: 'ltr' }];
  const embedding = bidi.getEmbeddingLevels(text, 'ltr');
  const mirrored = bidi.getMirroredCharactersMap(text, embedding.levels);
  const runs: { text: string; level: number }[] = [];
  for (let i = 0; i < text.length; i++) {
    const level = embedding.levels[i]!;
    const character = mirrored.get(i) ?? text[i]!;
    const last = runs.at(-1);
    if (last && last.level === level) last.text += character;
    else runs.push({ text: character, level });
  }
  return reordered(runs)
    .map(
      ({ text: own, level }) => ({ text: own.replace(MARKS, ''), direction: level % 2 === 1 ? 'rtl' : 'ltr' }) as const,
    )
    .filter((run) => run.text !== '');
}

/** Rule L2: from the highest level down to 1, stretches of at least that level are reversed. */
function reordered<T extends { readonly level: number }>(runs: readonly T[]): T[] {
  let order = [...runs];
  for (let level = Math.max(...runs.map((run) => run.level)); level >= 1; level--) {
    const next: T[] = [];
    for (let i = 0; i < order.length; ) {
      let end = i;
      while (end < order.length && order[end]!.level >= level) end++;
      if (end === i) next.push(order[i++]!);
      else {
        next.push(...order.slice(i, end).reverse());
        i = end;
      }
    }
    order = next;
  }
  return order;
}
