/**
 * Reads shader text. The only file of the engine, beside `gpu/dawn.ts`, that knows Node: a browser build replaces it.
 *
 * Shaders are Eta templates: `<% %>` holds JavaScript (loops that unroll), `<%= %>` inserts, and `k` is the constants.
 */
import { readFileSync } from 'node:fs';
import { Eta } from 'eta';

const eta = new Eta({ autoEscape: false, autoTrim: false, useWith: false, varName: 'k' });
const templates = new Map<string, ReturnType<typeof eta.compile>>();

/** WGSL of `shaders/<file>` with its constants filled in. */
export function renderShader(file: string, constants: Readonly<Record<string, number | boolean>>): string {
  let template = templates.get(file);
  if (!template) {
    template = eta.compile(readFileSync(new URL(`../../shaders/${file}`, import.meta.url), 'utf8'));
    templates.set(file, template);
  }
  // Lines that held only template code leave blanks behind; WGSL does not mind, but people read the result.
  return template.call(eta, constants).replace(/\n\s*\n+/g, '\n');
}
