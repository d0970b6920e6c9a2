/** The text of the shaders of this project. */
import { fillTemplate } from './templates.ts';

/** Returns the WGSL of `shaders/<file>` with these values filled in. */
export function renderShader(file: string, values: Readonly<Record<string, unknown>>): string {
  // Lines that held only template code leave blank lines. WGSL ignores them, but people read the result.
  return fillTemplate(file, values).replace(/\n\s*\n+/g, '\n');
}
