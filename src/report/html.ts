/**
 * The one door through which text enters a page: Hono's tagged template, which escapes every value. Names of classes and
 * files are strangers' text, so they also come isolated, in their own direction of writing.
 */
import { raw, html as tagged } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { printable } from '../printable.ts';

/** Markup whose values are escaped. */
export type Html = HtmlEscapedString;

type Value = Html | string | number | undefined | false | readonly Html[];

/** Markup with these values in it, escaped unless they are markup themselves. `undefined` and `false` are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  // Only a promise among the values would make a promise of it.
  return tagged(strings, ...values) as Html;
}

/** Markup that this program wrote, or that another library escaped. Never text from a file. */
export const trusted: (markup: string) => Html = raw;

/** Joiners of letters and of emoji. They hide nothing, and names need them. */
const JOINERS = /([\u200c\u200d])/;
const LONGEST_NAME = 200;

/** Text from a file without characters that hide or reorder others. */
export function plain(text: string, longest = LONGEST_NAME): string {
  return text
    .slice(0, longest)
    .split(JOINERS)
    .map((part) => (JOINERS.test(part) ? part : printable(part, longest)))
    .join('')
    .concat(text.length > longest ? '…' : '');
}

/** A name from a file, isolated from the writing around it. */
export function named(text: string): Html {
  return html`<bdi dir="auto">${plain(text)}</bdi>`;
}

/** A path from a file: each part isolated, so that a name that reads from right to left does not move the others. */
export function namedPath(path: string): Html {
  return html`${path.split('/').map((part, i) => html`${i > 0 && '/'}${named(part)}`)}`;
}
