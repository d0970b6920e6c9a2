/** The version for which answers are valid: kernels of another version may be faster or slower. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Version of the package and a hash of its shaders, such as `0.1.0+1f0c9a2b`: a checkout's shaders change between
 * releases.
 */
export function engineVersion(folder = root): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  const shaders = join(folder, 'shaders');
  const hash = createHash('sha256');
  const files = readdirSync(shaders, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.wgsl'));
  for (const name of files.map((each) => each.replaceAll('\\', '/')).sort()) {
    hash.update(`${name}\n`).update(readFileSync(join(shaders, name)));
  }
  return `${version}+${hash.digest('hex').slice(0, 8)}`;
}
