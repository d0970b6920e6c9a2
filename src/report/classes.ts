/** Each class by itself, and how far the network's sureness can be trusted. */
import type { CalibrationBin, ClassScores, Judgement } from '../judge/index.ts';
import { type Html, html, named } from './html.ts';
import { bar, dataTable, type Section } from './section.ts';
import { percent, whole } from './words.ts';

export function classesSection({ classes, topK }: Judgement): Section {
  const rate = (title: string, value: (one: ClassScores) => number) => ({
    title,
    value,
    cell: (one: ClassScores) => percent(value(one)),
  });
  const columns = [
    { title: 'Class', cell: ({ name }: ClassScores) => named(name) },
    { title: 'Pictures', cell: ({ count }: ClassScores) => whole(count), value: ({ count }: ClassScores) => count },
    { title: 'Right', cell: ({ right }: ClassScores) => whole(right), value: ({ right }: ClassScores) => right },
    rate('Recall', ({ recall }) => recall),
    rate('Precision', ({ precision }) => precision),
    rate('F1', ({ f1 }) => f1),
  ];
  const more = topK.filter(({ k }) => k > 1);
  return {
    id: 'classes',
    title: 'Each class',
    body: html`<p>Recall: how many pictures of the class are recognised. Precision: how many answers of the class are right. F1 is the harmonic mean
      of both.</p>
      ${dataTable('Each class', columns, classes)}
      ${more.length > 0 && html`<p>The class is among the likeliest ${more.map(({ k, accuracy }, i) => html`${i > 0 && ', '}${k}: <b>${percent(accuracy)}</b>`)}.</p>`}`,
  };
}

export function surenessSection({ calibration, ece }: Judgement): Section {
  const bins = calibration.filter(({ count }) => count > 0).reverse();
  const columns = [
    {
      title: 'Said to be sure',
      cell: ({ from, to }: CalibrationBin) => `${Math.round(from * 100)} to ${Math.round(to * 100)} %`,
    },
    {
      title: 'Pictures',
      cell: ({ count }: CalibrationBin) => whole(count),
      value: ({ count }: CalibrationBin) => count,
    },
    {
      title: 'On average',
      cell: ({ confidence }: CalibrationBin) => percent(confidence),
      value: ({ confidence }: CalibrationBin) => confidence,
    },
    { title: 'Right', cell: rightCell, value: ({ accuracy }: CalibrationBin) => accuracy },
  ];
  return {
    id: 'sureness',
    title: 'Can its sureness be trusted?',
    short: 'Sureness',
    body: html`<p>Of the answers it is 90 % sure of, 9 in 10 should be right. Here sureness and truth are
      <b>${(ece * 100).toFixed(1)} points</b> apart on average (expected calibration error).</p>
      ${dataTable('Sureness and truth', columns, bins, false)}`,
  };
}

function rightCell({ accuracy }: CalibrationBin): Html {
  return html`${percent(accuracy)} ${bar(accuracy)}`;
}
