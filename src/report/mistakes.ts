/** What the network fails on: each wrong picture with truth, answer, how sure it was, and where it looked. */
import { type Answer, type Judgement, worstClasses } from '../judge/index.ts';
import { heatLink, heatScale } from './heat.ts';
import { type Html, html, named, namedPath, plain } from './html.ts';
import { bar, dataTable, type Section } from './section.ts';
import { sentences } from './sentences.ts';
import { MOST_PICTURE_BYTES, type View } from './views.ts';
import { counted, percent, picturePath, whole } from './words.ts';

/** Wrong answers with pictures. */
export const MOST_SHOWN = 60;
/** Wrong answers in a table after them. */
const MOST_LISTED = 1000;
/** Of the likeliest classes. */
const MOST_LIKELY = 3;

/** The wrong answers, worst first. */
export function wrongAnswers({ answers }: Pick<Judgement, 'answers'>): Answer[] {
  return answers.filter(({ right }) => !right).sort((a, b) => b.loss - a.loss);
}

/** @param views of the first `MOST_SHOWN` wrong answers, as far as there are */
export function mistakes(judgement: Judgement, views: ReadonlyMap<Answer, View>, remark: string | undefined): Section {
  const wrong = wrongAnswers(judgement);
  return { id: 'mistakes', title: 'What it fails on', body: body(judgement, wrong, views, remark) };
}

function body(judgement: Judgement, wrong: readonly Answer[], views: ReadonlyMap<Answer, View>, remark?: string): Html {
  if (wrong.length === 0) return html`<p>Nothing: every picture of ${named(judgement.split)} is named right.</p>`;
  const shown = wrong.slice(0, MOST_SHOWN);
  const rest = wrong.slice(shown.length);
  const heats = [...views.values()].some(({ heat }) => heat !== undefined);
  return html`
    <ul class="worst">${sentences(judgement, worstClasses).map((text) => html`<li>${text}</li>`)}</ul>
    <p>${counted(wrong.length, 'wrong picture')}, the most surely wrong first. ${heats && explanation(views)}</p>
    ${remark && html`<p class="quiet">${plain(remark, 2000)}</p>`}
    ${heats && heatScale()}
    ${sortBar()}
    <ol class="cards" id="wrong">${shown.map((answer, i) => card(answer, views.get(answer), i))}</ol>
    ${rest.length > 0 && restTable(rest)}`;
}

function explanation(views: ReadonlyMap<Answer, View>): Html {
  const alone = [...views.values()].some(({ heat }) => heat === undefined);
  return html`Beside each lies where the network looked: the brighter a place, the more it spoke for the answer
    (${heatLink}).${alone && ' A picture alone has no place that did.'}`;
}

/** Only scripts can sort, so only they show it. */
function sortBar(): Html {
  const keys = [
    ['rank', 'most surely wrong'],
    ['truth', 'what it is'],
    ['answer', 'what it was taken for'],
    ['file', 'file'],
  ] as const;
  return html`<div class="sorts" role="group" aria-label="Sort the wrong pictures" data-sorts="wrong" hidden><span>Sort by</span>
    ${keys.map(([key, text], i) => html`<button type="button" data-key="${key}" aria-pressed="${i === 0 ? 'true' : 'false'}">${text}</button>`)}</div>`;
}

function card(answer: Answer, view: View | undefined, rank: number): Html {
  const path = picturePath(answer.path);
  return html`<li class="card" data-rank="${rank}" data-truth="${plain(answer.truth)}" data-answer="${plain(answer.answer)}" data-file="${plain(path)}">
    <h3>${named(answer.truth)} <span class="taken">taken for</span> ${named(answer.answer)}</h3>
    ${view && looks(answer, view, path)}
    <ul class="likely">${likely(answer)}</ul>
    <p class="file">${namedPath(path)}</p></li>`;
}

function looks({ truth, answer }: Answer, { picture, heat }: View, path: string): Html {
  return html`<div class="looks${heat === undefined && ' alone'}">
    <figure><img src="${picture}" alt="${plain(path)}, which is ${plain(truth)}" decoding="async"><figcaption>what it saw</figcaption></figure>
    ${heat !== undefined && html`<figure><img src="${heat}" alt="The same picture; bright where it spoke for ${plain(answer)}" decoding="async"><figcaption>where it looked</figcaption></figure>`}
  </div>`;
}

function likely({ top, truth, answer, probability, loss }: Answer): readonly Html[] {
  const rows = top
    .slice(0, MOST_LIKELY)
    .map((one) => ({ ...one, note: one.name === truth ? 'right' : one.name === answer ? 'answer' : '' }));
  if (rows.length === 0) rows.push({ name: answer, probability, note: 'answer' });
  if (!rows.some(({ name }) => name === truth)) rows.push({ name: truth, probability: Math.exp(-loss), note: 'right' });
  return rows.map(
    ({
      name,
      probability: share,
      note,
    }) => html`<li${note !== '' && html` class="${note}"`}><span>${named(name)}${note === 'right' && html` <em>✓ right</em>`}</span> <b>${percent(share)}</b>
      ${bar(share)}</li>`,
  );
}

function restTable(rest: readonly Answer[]): Html {
  const listed = rest.slice(0, MOST_LISTED);
  const more = rest.length - listed.length;
  const columns = [
    { title: 'File', cell: ({ path }: Answer) => namedPath(picturePath(path)) },
    { title: 'Is', cell: ({ truth }: Answer) => named(truth) },
    { title: 'Taken for', cell: ({ answer }: Answer) => named(answer) },
    {
      title: 'Sure',
      cell: ({ probability }: Answer) => percent(probability),
      value: ({ probability }: Answer) => probability,
    },
  ];
  return html`<details><summary>${counted(rest.length, 'more wrong picture')}, without pictures</summary>
    <p class="quiet">A report holds pictures of ${MOST_SHOWN} wrong answers at most, ${MOST_PICTURE_BYTES / 1e6} MB in all, so that it stays small enough to send.
    ${more > 0 && html`Another ${whole(more)} are in judgement.json.`}</p>
    ${dataTable('More wrong pictures', columns, listed)}</details>`;
}
