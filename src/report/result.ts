/** The head of a report: how good the network is, in words first. */
import { type Judgement, warningsOf } from '../judge/index.ts';
import { type Html, html, named } from './html.ts';
import type { RunRecord } from './run-record.ts';
import { sentences } from './sentences.ts';
import { counted, duration, lastPart, percent, whole } from './words.ts';

/** The run's pictures by their folder's name. */
export function dataName({ config }: Pick<RunRecord, 'config'>): string {
  return config.demo ? 'Demo' : lastPart(config.data);
}

/** Title, accuracy with its interval, and what a reader must know before trusting it. */
export function resultHead(record: RunRecord, title: string): Html {
  const { judgement } = record;
  return html`<header class="head">
    <p class="kicker">Report of a training run · dawngrad</p>
    <h1>${named(title)}${judgement ? html`: <span class="score">${percent(judgement.accuracy)}</span> right` : ''}</h1>
    ${judgement ? judged(judgement) : unjudged(record)}
    ${noteList(notesOf(record))}
    ${figures(record)}
  </header>`;
}

function judged(judgement: Judgement): Html {
  const { right, count, accuracy, interval, split } = judgement;
  const [low, high] = interval;
  return html`<p class="lead">Of ${counted(count, 'picture')} in ${named(split)}, which it did not learn from, the network names
    <strong>${whole(right)}</strong> right: ${percent(accuracy)}. On more pictures like these, expect between
    <strong>${percent(low)}</strong> and <strong>${percent(high)}</strong> (with 95 % certainty).</p>
    ${intervalBar(accuracy, low, high)}`;
}

/** 0 to 100 % as a line, the interval as a band, the accuracy as a mark. */
function intervalBar(accuracy: number, low: number, high: number): Html {
  const at = (share: number) => (share * 100).toFixed(2);
  return html`<div class="interval"><svg viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="Accuracy ${percent(accuracy)}, between ${percent(low)} and ${percent(high)}, on a line from 0 to 100 %">
    <rect class="track" x="0" y="1.2" width="100" height="1.6"/>
    <rect class="band" x="${at(low)}" y="0.4" width="${at(Math.max(0.4 / 100, high - low))}" height="3.2"/>
    <rect class="mark" x="${at(Math.min(accuracy, 0.994))}" y="0" width="0.6" height="4"/>
  </svg><p class="ends" aria-hidden="true"><span>0 %</span><span>50 %</span><span>100 %</span></p></div>`;
}

function unjudged({ summary }: RunRecord): Html {
  return summary
    ? html`<p class="lead">The best weights have not been judged: the run ended before its first validation.</p>`
    : html`<p class="lead">This run has not ended: there is no result yet. What follows is how far it came.</p>`;
}

/** A sentence each. */
function notesOf({ config, summary, judgement }: RunRecord): Html[] {
  const notes: Html[] = [];
  if (config.demo)
    notes.push(html`These are drawn insects of the built-in demo. Their accuracy says nothing about photographs.`);
  if (judgement) notes.push(...sentences(judgement, (marked) => warningsOf(marked, judgement.split)));
  if (summary?.interrupted) {
    notes.push(html`The run was stopped after ${counted(summary.epochs, 'epoch')} of ${config.epochs}. It can go on.`);
  }
  if (config.skipped.length > 0) {
    notes.push(html`${counted(config.skipped.length, 'broken picture was', 'broken pictures were')} left out.`);
  }
  return notes;
}

function noteList(notes: readonly Html[]): Html | undefined {
  if (notes.length === 0) return undefined;
  return html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`;
}

function figures({ config, summary, judgement }: RunRecord): Html {
  const wrong = judgement && judgement.count - judgement.right;
  const best = summary?.bestEpoch;
  return html`<dl class="figures">
    ${wrong !== undefined && figure('Wrong', whole(wrong), `of ${counted(judgement!.count, 'picture')}`)}
    ${judgement && figure('Mean over classes', percent(judgement.balancedAccuracy), 'balanced accuracy: every class counts the same')}
    ${judgement && figure('Sureness is off by', `${(judgement.ece * 100).toFixed(1)} points`, 'expected calibration error')}
    ${best !== undefined && figure('Best epoch', best === null ? 'none' : `${best}`, best === null ? 'the weights before training stayed best' : `of ${summary!.epochs}, counted from 0`)}
    ${summary && figure('Trained for', duration(summary.seconds), `${config.adapter.kind} adapter`)}
  </dl>`;
}

function figure(name: string, value: string, note: string): Html {
  return html`<div><dt>${name}</dt><dd><b>${value}</b> <span>${note}</span></dd></div>`;
}
