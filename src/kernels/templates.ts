/**
 * Reads the shaders in `shaders/`, which are Eta templates. `<% %>` holds JavaScript (loops that unroll), `<%= %>`
 * inserts a value, and `k` holds the values passed to a template. `<%~ include('/parts/…', {…}) %>` inserts code that
 * several shaders share, and passes it further values.
 *
 * Only a checkout runs this file: it reads the shaders and compiles their text to functions. `npm run build` replaces
 * it with a module of compiled functions (`scripts/build/templates.mjs`), which needs neither files nor Eta nor `eval`.
 */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

const eta = new Eta({
  views: fileURLToPath(new URL('../../shaders', import.meta.url)),
  // Reads and compiles each file once.
  cache: true,
  autoEscape: false,
  autoTrim: false,
  useWith: false,
  varName: 'k',
});

/** Returns the text of `shaders/<file>` with its template filled in. */
export function fillTemplate(file: string, values: Readonly<Record<string, unknown>>): string {
  return eta.render(file, values);
}
