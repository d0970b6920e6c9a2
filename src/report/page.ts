/** A page as one file: no address, no file beside it, and a policy under which nothing else could run or load. */
import { createHash } from 'node:crypto';
import { type Html, html, plain, trusted } from './html.ts';
import { SCRIPT } from './script.ts';
import { contents, type Section, sectionOf } from './section.ts';
import { STYLE } from './style.ts';

export interface Page {
  readonly title: string;
  readonly head: Html;
  readonly sections: readonly Section[];
  readonly foot: Html;
}

const hashed = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Pictures may come from the file itself; one style and one script are known by their hashes; there is no network. */
const POLICY = [
  "default-src 'none'",
  'img-src data:',
  `style-src ${hashed(STYLE)}`,
  `script-src ${hashed(SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The whole file. */
export function pageText({ title, head, sections, foot }: Page): string {
  return `${html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${plain(title)}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<a class="skip" href="#${sections[0]?.id ?? 'end'}">Skip to ${sections[0]?.title ?? 'the end'}</a>
${head}
${contents(sections)}
<main>${sections.map(sectionOf)}</main>
<footer id="end">${foot}</footer>
<script type="module">${trusted(SCRIPT)}</script>
</body>
</html>
`}`;
}
