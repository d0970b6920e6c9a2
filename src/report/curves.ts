/** Loss and accuracy over the epochs. */
import { type PageCurve, pageCurves } from '../pictures/index.ts';
import { type Html, html, trusted } from './html.ts';
import type { MetricsRow, RunRecord } from './run-record.ts';
import { dataTable, type Section } from './section.ts';
import { percent, whole } from './words.ts';

export async function curvesSection({ metrics, summary }: RunRecord): Promise<Section | undefined> {
  if (metrics.length === 0) return undefined;
  const colours = { train: 'var(--train)', val: 'var(--val)' };
  const bestEpoch = summary?.bestEpoch ?? null;
  const curves = await pageCurves([{ points: metrics, colours, bestEpoch }]);
  return {
    id: 'curves',
    title: 'How it learned',
    body: html`<p class="legend">${swatch('train', true)} train, on pictures that it learns from
      ${swatch('val', false)} val, on pictures that it does not ${bestEpoch !== null && html`<span class="ring" aria-hidden="true"></span> best epoch`}</p>
      ${figures(curves)}
      <details><summary>The numbers</summary>${metricsTable(metrics)}</details>`,
  };
}

/** A sample of a line. */
export function swatch(name: string, dashed: boolean): Html {
  return html`<svg class="swatch" viewBox="0 0 28 8" width="28" height="8" aria-hidden="true"><line class="line-${name}" x1="0" y1="4" x2="28" y2="4" stroke-width="2.5"${dashed && html` stroke-dasharray="6 4"`}/></svg>`;
}

export function figures(curves: readonly PageCurve[]): Html {
  return html`<div class="curves">${curves.map(
    ({ title, width, height, svg }) =>
      html`<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title} over the epochs; the numbers are in the table below">${trusted(svg)}</svg><p class="axis" aria-hidden="true">epoch</p></figure>`,
  )}</div>`;
}

function metricsTable(metrics: readonly MetricsRow[]): Html {
  const columns = [
    { title: 'Epoch', cell: ({ epoch }: MetricsRow) => epoch },
    { title: 'Phase', cell: ({ phase }: MetricsRow) => phase },
    {
      title: 'Loss',
      cell: ({ loss }: MetricsRow) => (Number.isFinite(loss) ? loss.toFixed(4) : 'not finite'),
      value: ({ loss }: MetricsRow) => loss,
    },
    { title: 'Accuracy', cell: ({ acc }: MetricsRow) => percent(acc), value: ({ acc }: MetricsRow) => acc },
    {
      title: 'Learning rate',
      cell: ({ lr }: MetricsRow) => `${Number(lr.toPrecision(3))}`,
      value: ({ lr }: MetricsRow) => lr,
    },
    {
      title: 'Pictures a second',
      cell: ({ imagesPerSecond = Number.NaN }: MetricsRow) =>
        Number.isFinite(imagesPerSecond) ? whole(Number(imagesPerSecond.toPrecision(3))) : '–',
      value: ({ imagesPerSecond = Number.NaN }: MetricsRow) => imagesPerSecond,
    },
  ];
  return dataTable('Loss and accuracy of each epoch', columns, metrics);
}
