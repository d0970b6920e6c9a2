/** Several runs beside each other. */
import { type Judgement, reachOf } from '../judge/index.ts';
import { pageCurves } from '../pictures/index.ts';
import type { ComparedView } from './compared-views.ts';
import { figures, swatch } from './curves.ts';
import { heatLink, heatNote, heatScale } from './heat.ts';
import { type Html, html, named, namedPath, plain } from './html.ts';
import { pageText } from './page.ts';
import type { RunRecord } from './run-record.ts';
import { type Section, tableBox } from './section.ts';
import { settingsOf, titleOf } from './settings.ts';
import type { Disputed, Shared } from './shared.ts';
import { counted, duration, percent, picturePath, whole } from './words.ts';

/** A run has a colour of its own, and a page has so many. */
export const MOST_RUNS = 6;
/** Pictures on which the runs disagree. */
export const MOST_DISPUTED = 60;

/** One of the runs. */
export interface ComparedRun {
  readonly record: RunRecord;
  /** Its folder as the page names it. */
  readonly name: string;
}

/**
 * @param runs two to `MOST_RUNS`
 * @param shared the pictures that all were judged on
 * @param views of the disputed pictures, by path, as far as there are
 * @param remarks a sentence each on pictures or heat maps that are missing
 */
export async function comparePage(
  runs: readonly ComparedRun[],
  shared: Shared,
  views: ReadonlyMap<string, ComparedView>,
  remarks: readonly string[] = [],
): Promise<string> {
  const heats = [...views.values()].some((view) => view.heats.some((heat) => heat !== undefined));
  const sections = [
    resultsSection(runs),
    disputedSection(runs, shared, views, { heats, remarks }),
    await curvesSection(runs),
    settingsSection(runs),
  ].filter((section) => section !== undefined);
  return pageText({
    title: `${runs.length} runs compared`,
    head: head(runs, shared),
    sections,
    foot: html`${heats && heatNote()}<p>Intervals are Wilson's, of 95 %. Runs whose intervals overlap may be equally good.</p>
      <p>Written by dawngrad ${plain(runs[0]!.record.config.dawngrad)}. This file holds everything it shows, and loads nothing.</p>`,
  });
}

function runName({ name }: ComparedRun, i: number): Html {
  return html`<span class="run run${i + 1}" aria-hidden="true"></span>${named(name)}`;
}

function head(runs: readonly ComparedRun[], shared: Shared): Html {
  return html`<header class="head"><p class="kicker">Runs compared · dawngrad</p>
    <h1>${headline(runs)}</h1>
    ${verdicts(runs, shared).map((text) => html`<p class="lead">${text}</p>`)}</header>`;
}

function headline(runs: readonly ComparedRun[]): Html {
  const ranked = judged(runs);
  const [best, second] = ranked;
  if (!best || !second) return html`${runs.length} runs compared`;
  const tied = ranked.filter(({ judgement }) => judgement.accuracy === best.judgement.accuracy);
  if (tied.length > 1)
    return html`${tied.length} runs are equally good: <span class="score">${percent(best.judgement.accuracy)}</span> right`;
  return html`${named(best.name)} does best: <span class="score">${percent(best.judgement.accuracy)}</span> right`;
}

interface JudgedRun {
  readonly name: string;
  readonly judgement: Judgement;
  readonly place: number;
}

/** The runs that were judged, the best first. */
function judged(runs: readonly ComparedRun[]): JudgedRun[] {
  return runs
    .flatMap(({ record: { judgement }, name }, place) => (judgement ? [{ name, judgement, place }] : []))
    .sort((a, b) => b.judgement.accuracy - a.judgement.accuracy || a.place - b.place);
}

function verdicts(runs: readonly ComparedRun[], { count, disputed }: Shared): Html[] {
  const [best, second] = judged(runs);
  if (!best || !second)
    return [html`Fewer than two of the runs have been judged, so their results cannot be compared.`];
  const sentences: Html[] = [];
  const overlap = second.judgement.interval[1] >= best.judgement.interval[0];
  const apart = Math.round((best.judgement.accuracy - second.judgement.accuracy) * 1000) / 10;
  if (apart > 0) {
    sentences.push(
      html`It is ${apart} points ahead of ${named(second.name)}. ${overlap ? 'Their intervals overlap, so this may be chance.' : 'Their intervals do not overlap.'}`,
    );
  }
  const only = (place: number, other: number) =>
    disputed.filter(({ answers }) => answers[place]!.right && !answers[other]!.right).length;
  if (count > 0) {
    sentences.push(
      html`On the ${counted(count, 'picture')} that all were judged on, ${named(best.name)} alone of these two is right on ${whole(only(best.place, second.place))}, ${named(second.name)} alone on ${whole(only(second.place, best.place))}.`,
    );
  } else sentences.push(html`They were judged on different pictures, so the results say little about which is better.`);
  return sentences;
}

function resultsSection(runs: readonly ComparedRun[]): Section {
  type Cell = (record: RunRecord) => string | undefined;
  const rows: readonly (readonly [string, Cell])[] = [
    ['Accuracy', ({ judgement: j }) => j && percent(j.accuracy)],
    ['95 % interval', ({ judgement: j }) => j && `${percent(j.interval[0])} to ${percent(j.interval[1])}`],
    ['Uncertain by', ({ judgement: j }) => j && `± ${(reachOf(j.interval) * 100).toFixed(1)} points`],
    ['Right', ({ judgement: j }) => j && `${whole(j.right)} of ${whole(j.count)}`],
    ['Mean over classes', ({ judgement: j }) => j && percent(j.balancedAccuracy)],
    ['Loss', ({ judgement: j }) => j?.loss.toFixed(4)],
    ['Calibration error', ({ judgement: j }) => j && `${(j.ece * 100).toFixed(1)} points`],
    ['Best epoch', ({ summary }) => summary && (summary.bestEpoch === null ? 'none' : `${summary.bestEpoch}`)],
    ['Epochs', ({ summary, config }) => `${summary?.epochs ?? 0} of ${config.epochs}`],
    ['Trained for', ({ summary }) => summary && duration(summary.seconds)],
    ['Device', ({ config }) => plain(config.adapter.description)],
    ['Data', ({ config }) => plain(picturePath(config.data).split('/').at(-1)!)],
  ];
  return {
    id: 'results',
    title: 'Results',
    body: grid(
      'Results of each run',
      runs,
      rows.map(([title, cell]) => ({ title, cells: runs.map(({ record }) => cell(record) ?? '–') })),
    ),
  };
}

interface GridRow {
  readonly title: string;
  readonly cells: readonly (Html | string)[];
}

/** A column for each run. */
function grid(label: string, runs: readonly ComparedRun[], rows: readonly GridRow[]): Html {
  return tableBox(
    label,
    html`<table><thead><tr><td></td>${runs.map((run, i) => html`<th scope="col">${runName(run, i)}</th>`)}</tr></thead>
    <tbody>${rows.map(({ title, cells }) => html`<tr><th scope="row">${title}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`,
  );
}

function settingsSection(runs: readonly ComparedRun[]): Section {
  const all = runs.map(({ record }) => settingsOf(record.config));
  const names = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  const rows = names
    .map((name) => ({ name, values: all.map((settings) => settings.get(name) ?? '–') }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
  return {
    id: 'settings',
    title: 'Settings that differ',
    body:
      rows.length === 0
        ? html`<p>None: all settings are equal.</p>`
        : grid(
            'Settings that differ',
            runs,
            rows.map(({ name, values }) => ({ title: titleOf(name), cells: values.map((value) => plain(value)) })),
          ),
  };
}

async function curvesSection(runs: readonly ComparedRun[]): Promise<Section | undefined> {
  const drawn = runs.map((run, i) => ({ run, i })).filter(({ run }) => run.record.metrics.length > 0);
  if (drawn.length === 0) return undefined;
  const curves = await pageCurves(
    drawn.map(({ run, i }) => ({
      points: run.record.metrics,
      colours: { train: `var(--run${i + 1})`, val: `var(--run${i + 1})` },
      bestEpoch: null,
    })),
  );
  return {
    id: 'curves',
    title: 'How they learned',
    body: html`<p class="legend">${drawn.map(({ run, i }) => html`${swatch(`run${i + 1}`, false)} ${named(run.name)} `)}</p>
      <p class="quiet">Full lines: val. Dashed lines: train.</p>${figures(curves)}${epochTable(runs)}`,
  };
}

function epochTable(runs: readonly ComparedRun[]): Html {
  const epochs = Math.max(0, ...runs.flatMap(({ record }) => record.metrics.map(({ epoch }) => epoch + 1)));
  const cell = ({ metrics }: RunRecord, epoch: number) => {
    const row = metrics.find((one) => one.epoch === epoch && one.phase === 'val');
    return row ? `${percent(row.acc)}, loss ${Number.isFinite(row.loss) ? row.loss.toFixed(4) : 'not finite'}` : '–';
  };
  const rows = Array.from({ length: epochs }, (_, epoch) => ({
    title: `Epoch ${epoch}`,
    cells: runs.map(({ record }) => cell(record, epoch)),
  }));
  return html`<details><summary>The numbers of val</summary>${grid('Accuracy and loss on val', runs, rows)}</details>`;
}

function disputedSection(
  runs: readonly ComparedRun[],
  { count, disputed }: Shared,
  views: ReadonlyMap<string, ComparedView>,
  { heats, remarks }: { readonly heats: boolean; readonly remarks: readonly string[] },
): Section {
  const more = disputed.length - MOST_DISPUTED;
  const text =
    count === 0
      ? 'The runs were not judged on the same pictures.'
      : disputed.length === 0
        ? `None: on all ${counted(count, 'picture')} they are right or wrong together.`
        : `${counted(disputed.length, 'picture')} of ${whole(count)} that some name right and others wrong.${more > 0 ? ` The first ${MOST_DISPUTED} are shown.` : ''}`;
  return {
    id: 'disputed',
    title: 'Where they disagree',
    body: html`<p>${text}${heats && html` Beside each lies where each run looked: the brighter a place, the more it spoke for that run's answer (${heatLink}).`}</p>
    ${remarks.map((remark) => html`<p class="quiet">${plain(remark, 2000)}</p>`)}${heats && heatScale()}
    <ol class="cards">${disputed.slice(0, MOST_DISPUTED).map((one) => card(runs, one, views.get(one.path)))}</ol>`,
  };
}

function card(runs: readonly ComparedRun[], { path, truth, answers }: Disputed, view: ComparedView | undefined): Html {
  const shown = picturePath(path);
  return html`<li class="card"><h3>${named(truth)}</h3>
    ${view && looks(runs, view, { shown, truth, answers })}
    <ul class="likely">${answers.map(
      ({ answer, right, probability }, i) =>
        html`<li><span>${runName(runs[i]!, i)}: <span class="verdict ${right ? 'ok' : 'no'}">${right ? '✓' : '✗'} ${named(answer)}</span></span> <b>${percent(probability)}</b></li>`,
    )}</ul><p class="file">${namedPath(shown)}</p></li>`;
}

/** The picture, and the same under the heat of each run that has one. */
function looks(
  runs: readonly ComparedRun[],
  { picture, heats }: ComparedView,
  { shown, truth, answers }: Pick<Disputed, 'truth' | 'answers'> & { readonly shown: string },
): Html {
  const seen = heats.flatMap((heat, i) => (heat === undefined ? [] : [{ heat, i }]));
  return html`<div class="looks ${seen.length === 0 ? 'alone' : 'several'}">
    <figure><img src="${picture}" alt="${plain(shown)}, which is ${plain(truth)}" decoding="async">${seen.length > 0 && html`<figcaption>what they saw</figcaption>`}</figure>
    ${seen.map(
      ({ heat, i }) =>
        html`<figure><img src="${heat}" alt="The same picture; bright where it spoke for ${plain(answers[i]!.answer)}, the answer of ${plain(runs[i]!.name)}" decoding="async"><figcaption>${runName(runs[i]!, i)}</figcaption></figure>`,
    )}</div>`;
}
