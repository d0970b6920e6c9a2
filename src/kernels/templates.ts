/**
 * The shaders as they lie in `shaders/`: Eta templates. `<% %>` holds JavaScript (loops that unroll), `<%= %>` inserts a value, and
 * `k` has the values that a template is filled in with. `<%~ include('/parts/…', {…}) %>` brings in what several shaders share, and
 * gives it further values.
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
