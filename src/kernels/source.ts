/** The text of the shaders of this project. */
import { fillTemplate } from './templates.ts';

/** WGSL of `shaders/<file>`, filled in with these values. */
export function renderShader(file: string, values: Readonly<Record<string, unknown>>): string {
  // Lines that held only template code leave blanks behind; WGSL does not mind, but people read the result.
  return fillTemplate(file, values).replace(/\n\s*\n+/g, '\n');
}
