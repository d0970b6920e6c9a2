/**
 * The shaders as they lie in `shaders/`: Eta templates. `<% %>` holds JavaScript (loops that unroll), `<%= %>` inserts, `k` is
 * the values they are filled in with, and `<%~ include('parts/…', {…}) %>` brings in what several shaders share, with values
 * of its own.
 *
 * Only a checkout runs this file: it reads the shaders and makes functions of their text. `npm run build` puts a module of
 * ready functions in its place (`scripts/build/templates.mjs`), which needs neither files nor Eta nor `eval`.
 */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

const eta = new Eta({
  views: fileURLToPath(new URL('../../shaders', import.meta.url)),
  // Each file is read and compiled once.
  cache: true,
  autoEscape: false,
  autoTrim: false,
  useWith: false,
  varName: 'k',
});

/** The text of `shaders/<file>`, its template filled in. */
export function fillTemplate(file: string, values: Readonly<Record<string, unknown>>): string {
  return eta.render(file, values);
}
