/** Which dawngrad this is. */
import { readFileSync } from 'node:fs';

/** The version in package.json, which lies as far from the sources as from what is built of them. */
export function packageVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
