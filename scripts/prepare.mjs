// @ts-check
/**
 * npm's `prepare`. It builds where npm makes a package of this folder for somebody else's project, as in
 * `npm install git+https://…`: npm clones, installs what the build needs, and runs this. In a checkout of your own,
 * `npm install` and `npm ci` build nothing: there the sources run, and `npm pack` builds by `prepack`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepares } from './setup/prepares.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

if (prepares(root, process.env)) {
  if (existsSync(join(root, 'node_modules', 'typescript')) && existsSync(join(root, 'node_modules', 'eta'))) {
    await import('./build.mjs');
  } else {
    process.stderr.write(
      `prepare: ${root} cannot be built without its development packages; run \`npm ci && npm run build\` there.\n`,
    );
  }
}
