/** Parts that the sections of a page share. */
import { type Html, html } from './html.ts';

export interface Section {
  /** Its anchor. */
  readonly id: string;
  readonly title: string;
  /** In the list of sections; by default the title. */
  readonly short?: string;
  readonly body: Html;
}

export function sectionOf({ id, title, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${body}</section>`;
}

/** Links to the sections. */
export function contents(sections: readonly Section[]): Html {
  return html`<nav aria-label="Sections"><ul>${sections.map(({ id, title, short = title }) => html`<li><a href="#${id}">${short}</a></li>`)}</ul></nav>`;
}

/** A share from 0 to 1 as a bar, beside the same in words. */
export function bar(share: number): Html {
  return html`<svg class="bar" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="3"/><rect class="fill" width="${(share * 100).toFixed(1)}" height="3"/></svg>`;
}

/** A table that scrolls by itself where it is wider than the page, by keyboard too. */
export function tableBox(label: string, table: Html, width: 'full' | 'fit' = 'full'): Html {
  return html`<div class="box ${width}" role="region" aria-label="Table: ${label}" tabindex="0">${table}</div>`;
}

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Html | string | number;
  /** What to sort by if it is not the text; a number also aligns the column to the right. */
  readonly value?: (row: Row) => number;
}

/** A table whose first column names its rows. Where scripts run, each column's title sorts by it. */
export function dataTable<Row>(
  label: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  sortable = true,
): Html {
  const [first, ...rest] = columns;
  const title = (column: Column<Row>) =>
    html`<th scope="col"${column.value ? html` class="number"` : ''}>${column.title}</th>`;
  const cell = ({ cell, value }: Column<Row>, row: Row) =>
    value ? html`<td class="number" data-value="${value(row)}">${cell(row)}</td>` : html`<td>${cell(row)}</td>`;
  return tableBox(
    label,
    html`<table${sortable ? html` data-sortable` : ''}><thead><tr>${columns.map(title)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${first!.cell(row)}</th>${rest.map((column) => cell(column, row))}</tr>`)}</tbody></table>`,
  );
}

/** A table of two columns. */
export function pairs(label: string, rows: readonly (readonly [name: string, value: Html | string | number])[]): Html {
  return tableBox(
    label,
    html`<table class="pairs"><tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`,
  );
}
