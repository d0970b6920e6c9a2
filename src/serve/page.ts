/**
 * The page to drop a picture on. It is one file, works without a network beyond this server, and without its script
 * as a plain form. A browser runs nothing but this script and style: their hashes are in the page's policy.
 */
import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --quiet: #57606a; --line: #b8c0c8; --bar: #0b62b8; --bad: #a32a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --paper: #14171a; --quiet: #a5aeb7; --line: #4a525a; --bar: #6fb1f5; --bad: #ff9a73; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem; max-width: 42rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; margin: 0 0 1rem; }
form { border: 2px dashed var(--line); border-radius: .6rem; padding: 1.5rem 1rem; text-align: center; }
form.over { border-color: var(--bar); }
label { display: block; margin-bottom: .8rem; }
input, button { font: inherit; max-width: 100%; }
button { padding: .4rem 1.2rem; }
:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
figure { margin: 1.5rem 0 0; border-top: 1px solid var(--line); padding-top: 1rem; }
figure img { display: block; max-width: 100%; max-height: 18rem; margin: 0 auto .8rem; }
figcaption { overflow-wrap: anywhere; color: var(--quiet); }
ol { list-style: none; margin: .5rem 0 0; padding: 0; }
li { margin: .5rem 0; overflow-wrap: anywhere; }
li span { float: right; font-variant-numeric: tabular-nums; padding-left: 1rem; }
meter { display: block; width: 100%; height: .6rem; }
.bad { color: var(--bad); }
.quiet { color: var(--quiet); font-size: .9rem; }
`;

const SCRIPT = `
const form = document.querySelector('form'), input = form.querySelector('input'), results = document.querySelector('#results'), status = document.querySelector('#status');
form.querySelector('button').hidden = true;
const make = (name, text, className) => { const e = document.createElement(name); if (text !== undefined) e.textContent = text; if (className) e.className = className; return e; };
async function ask(file) {
  const figure = make('figure'), image = make('img'), caption = make('figcaption', file.name || 'picture');
  image.alt = ''; image.src = URL.createObjectURL(file);
  image.onload = () => URL.revokeObjectURL(image.src);
  image.onerror = () => image.remove();
  figure.append(image, caption); results.prepend(figure);
  status.textContent = 'Looking at ' + (file.name || 'the picture') + ' …';
  try {
    const type = /^image\\//.test(file.type) ? file.type : 'application/octet-stream';
    const answer = await fetch('/predict', { method: 'POST', body: file, headers: { 'Content-Type': type } });
    const { top, error } = await answer.json();
    if (error) throw new Error(error);
    const list = make('ol');
    for (const { name, probability } of top) {
      const row = make('li', name), percent = (probability * 100).toFixed(1) + ' %', meter = make('meter');
      meter.value = probability; meter.setAttribute('aria-hidden', 'true');
      row.prepend(make('span', percent)); row.append(meter); list.append(row);
    }
    figure.append(list);
    status.textContent = (file.name || 'The picture') + ': ' + top[0].name + ', ' + (top[0].probability * 100).toFixed(1) + ' %';
  } catch (error) {
    figure.append(make('p', error.message, 'bad'));
    status.textContent = error.message;
  }
}
async function askAll(files) { for (const file of files) await ask(file); }
input.addEventListener('change', () => { const files = [...input.files]; input.value = ''; askAll(files); });
form.addEventListener('submit', (event) => event.preventDefault());
for (const name of ['dragenter', 'dragover']) addEventListener(name, (event) => { event.preventDefault(); form.classList.add('over'); });
for (const name of ['dragleave', 'drop']) addEventListener(name, () => form.classList.remove('over'));
addEventListener('drop', (event) => { event.preventDefault(); askAll([...event.dataTransfer.files]); });
addEventListener('paste', (event) => askAll([...event.clipboardData.files]));
`;

export interface Page {
  readonly html: string;
  /** For the page's policy: `'sha256-…'`. */
  readonly scriptHash: string;
  readonly styleHash: string;
}

export interface PageFacts {
  readonly classes: readonly string[];
  readonly maxBytes: number;
}

/** Names of classes on the page. */
const NAMES_SHOWN = 20;

export function makePage({ classes, maxBytes }: PageFacts): Page {
  const more = classes.length > NAMES_SHOWN ? ` and ${classes.length - NAMES_SHOWN} more` : '';
  const names = `${classes.slice(0, NAMES_SHOWN).map(escaped).join(', ')}${more}`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What does this picture show?</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>What does this picture show?</h1>
<form action="/predict" method="post" enctype="multipart/form-data">
<label for="pictures">Drop pictures here, paste one, or choose files</label>
<input id="pictures" type="file" name="picture" accept="image/*" multiple required>
<button>Ask</button>
</form>
<p id="status" role="status" class="quiet"></p>
<section id="results" aria-label="Answers"></section>
<p class="quiet">It knows ${classes.length} classes: ${names}. A picture may have ${Math.floor(maxBytes / 2 ** 20) || '< 1'} MiB, and is not kept.</p>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
  return { html, scriptHash: hashOf(SCRIPT), styleHash: hashOf(STYLE) };
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
