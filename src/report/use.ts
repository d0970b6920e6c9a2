/** How to use the model of a run, and how to go on. */
import { relative, sep } from 'node:path';
import { called } from '../called.ts';
import { printableLines } from '../printable.ts';
import { type Html, html } from './html.ts';
import { RECORD_FILES, type RunRecord } from './run-record.ts';
import type { Section } from './section.ts';
import { lastPart } from './words.ts';

/**
 * The run's folder as the page names it: relative to where the run was started if it lies below, else its name alone. A
 * file that people share tells no paths of the machine.
 */
export function shownFolder(folder: string, from = process.cwd()): string {
  const path = relative(from, folder).split(sep).join('/');
  return path === '' || path.startsWith('..') || path.startsWith('/') || /^[A-Za-z]:/.test(path)
    ? lastPart(folder)
    : path;
}

export function useSection({ summary }: RunRecord, folder: string): Section {
  const best = shellWord(`${folder}/${RECORD_FILES.best}`);
  const run = shellWord(folder);
  const code = `import { openPredictor } from 'dawngrad/predict';

const predictor = await openPredictor(${JSON.stringify(`${folder}/${RECORD_FILES.best}`)});
const [{ top }] = await predictor.predict(['photo.jpg']);
console.log(top[0].name, top[0].probability);
await predictor.close();`;
  return {
    id: 'use',
    title: 'Use it',
    body: html`<p>The commands name the run's folder as it was called when it trained.</p>
      ${command('Name what pictures show', `${called('predict')} --weights ${best} photo.jpg more-photos/`)}
      ${command('In TypeScript', code)}
      ${command('Train on from these weights, on more pictures', `${called('train')} --weights ${best} --data ${shellWord('your-pictures')}`)}
      ${summary?.interrupted && command('Go on with this run', `${called('train')} --resume ${run}`)}
      ${command('Write this report anew', `${called('report')} ${run}`)}`,
  };
}

function command(what: string, text: string): Html {
  return html`<h3>${what}</h3><pre role="region" aria-label="${what}" tabindex="0"><code>${printableLines(text)}</code></pre>`;
}

/** The text as one word of a shell. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
