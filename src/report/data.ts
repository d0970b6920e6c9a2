/** What the network learned from: pictures by class and split. */
import { type Html, html, named, plain } from './html.ts';
import type { RunRecord } from './run-record.ts';
import { dataTable, type Section } from './section.ts';
import { counted, whole } from './words.ts';

/** Pictures of each class by split: `{ train: [120, 124], val: [70, 83] }`. */
export type Counts = Readonly<Record<string, readonly number[]>>;

/** A class with more than this many times the pictures of another makes the data uneven. */
const UNEVEN = 4;
const MOST_SKIPPED = 20;

interface Row {
  readonly name: string;
  readonly counts: readonly number[];
}

/**
 * @param counts undefined if the pictures are gone
 * @param remark a sentence on what became of them
 */
export function dataSection({ config, judgement }: RunRecord, counts: Counts | undefined, remark?: string): Section {
  const known: Counts = counts ?? (judgement ? { [judgement.split]: judgement.classes.map(({ count }) => count) } : {});
  const splits = Object.keys(known);
  const rows = config.classes.map(
    (name, label): Row => ({ name, counts: splits.map((split) => known[split]![label] ?? 0) }),
  );
  const columns = [
    { title: 'Class', cell: ({ name }: Row) => named(name) },
    ...splits.map((split, i) => ({
      title: split,
      cell: (row: Row) => whole(row.counts[i]!),
      value: (row: Row) => row.counts[i]!,
    })),
  ];
  const totals = Object.entries(config.pictures).map(([split, count]) => `${counted(count, 'picture')} in ${split}`);
  return {
    id: 'data',
    title: 'The pictures',
    body: html`<p>${counted(config.classes.length, 'class', 'classes')}, ${totals.join(', ')}. ${unevenNote(known.train)}</p>
      ${remark && html`<p class="quiet">${plain(remark, 2000)}</p>`}
      ${splits.length > 0 && dataTable('Pictures of each class', columns, rows)}
      ${skippedList(config.skipped)}`,
  };
}

function unevenNote(train: readonly number[] | undefined): string {
  if (!train || train.length === 0) return '';
  const [least, most] = [Math.min(...train), Math.max(...train)];
  if (most <= least * UNEVEN) return '';
  return `The classes are uneven: the largest has ${whole(most)} pictures to learn from, the smallest ${whole(least)}.`;
}

function skippedList(skipped: readonly string[]): Html | undefined {
  if (skipped.length === 0) return undefined;
  const more = skipped.length - MOST_SKIPPED;
  return html`<details><summary>${counted(skipped.length, 'broken picture')} left out</summary>
    <ul>${skipped.slice(0, MOST_SKIPPED).map((name) => html`<li>${named(name)}</li>`)}</ul>${more > 0 && html`<p>and ${whole(more)} more</p>`}</details>`;
}
