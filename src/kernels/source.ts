/**
 * Reads shader text. The only file of the engine, beside `gpu/dawn.ts`, that knows Node: a browser build replaces it.
 *
 * Shaders are Eta templates: `<% %>` holds JavaScript (loops that unroll), `<%= %>` inserts, `k` is the constants, and
 * `<%~ include('parts/…', {…}) %>` brings in what several shaders share, with constants of its own.
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

type Constants = Readonly<Record<string, number | boolean>>;

/** WGSL of `shaders/<file>` with its constants filled in. */
export function renderShader(file: string, constants: Constants): string {
  return withoutBlankLines(eta.render(file, constants));
}

/** The same of a text that is not a file. */
export function renderText(text: string, constants: Constants): string {
  return withoutBlankLines(eta.renderString(text, constants));
}

/** Lines that held only template code leave blanks behind; WGSL does not mind, but people read the result. */
function withoutBlankLines(wgsl: string): string {
  return wgsl.replace(/\n\s*\n+/g, '\n');
}
