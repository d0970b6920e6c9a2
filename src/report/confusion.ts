/** The confusion matrix as a table, and what is taken for what most often. */
import type { Judgement } from '../judge/index.ts';
import { type Html, html, named } from './html.ts';
import { type Section, tableBox } from './section.ts';
import { counted, whole } from './words.ts';

/** Classes of the table; of more, those with the most mistakes. */
const MOST_CLASSES = 24;
const MOST_PAIRS = 8;
/** Shades of a cell. */
const SHADES = 8;

type Judged = Pick<Judgement, 'classes' | 'confusion' | 'split'>;

export function confusionSection(judged: Judged): Section {
  const { classes } = judged;
  const shown = chosen(judged);
  const cut = shown.length < classes.length;
  return {
    id: 'confusion',
    title: 'Confusion matrix',
    body: html`<p>A row for each class of the pictures, a column for each answer. Numbers on the diagonal are right.
      ${cut && html`Shown are the ${shown.length} of ${classes.length} classes that are confused most.`}</p>
      ${tableBox('Confusion matrix', matrix(judged, shown), 'fit')}
      ${pairList(judged)}`,
  };
}

/** Labels of the classes to show, in order. */
function chosen({ classes, confusion }: Judged): number[] {
  const mistakes = classes.map(({ count, right, answered }) => count - right + (answered - right));
  const labels = Array.from(confusion.keys());
  if (labels.length <= MOST_CLASSES) return labels;
  return labels
    .sort((a, b) => mistakes[b]! - mistakes[a]! || a - b)
    .slice(0, MOST_CLASSES)
    .sort((a, b) => a - b);
}

function matrix({ classes, confusion }: Judged, shown: readonly number[]): Html {
  const name = (label: number) => named(classes[label]!.name);
  const cell = (row: number, column: number) => {
    const count = confusion[row]![column]!;
    const share = count / Math.max(1, classes[row]!.count);
    const shade = count === 0 ? 0 : Math.max(1, Math.round(share * SHADES));
    return html`<td class="${row === column ? 'hit' : 'miss'} s${shade}">${whole(count)}</td>`;
  };
  return html`<table class="matrix"><thead>
      <tr><td></td><th scope="colgroup" colspan="${shown.length}">taken for</th></tr>
      <tr><th scope="col">is</th>${shown.map((label) => html`<th scope="col">${name(label)}</th>`)}</tr></thead>
    <tbody>${shown.map((row) => html`<tr><th scope="row">${name(row)}</th>${shown.map((column) => cell(row, column))}</tr>`)}</tbody></table>`;
}

function pairList({ classes, confusion }: Judged): Html | undefined {
  const found = confusion
    .flatMap((row, truth) => row.map((count, answer) => ({ truth, answer, count })))
    .filter(({ truth, answer, count }) => truth !== answer && count > 0)
    .sort((a, b) => b.count - a.count || a.truth - b.truth || a.answer - b.answer);
  // With two classes the matrix says it at a glance.
  if (found.length === 0 || classes.length <= 2) return undefined;
  const name = (label: number) => named(classes[label]!.name);
  return html`<h3>Taken for each other most often</h3><ol class="confused">${found
    .slice(0, MOST_PAIRS)
    .map(
      ({ truth, answer, count }) =>
        html`<li>${name(truth)} taken for ${name(answer)}: ${counted(count, 'picture')}</li>`,
    )}</ol>`;
}
