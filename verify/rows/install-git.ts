/** The package after `npm install <git address>`: npm builds it, and its command trains. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dawngrad, installFromGit, npm } from '../../scripts/pack/install.ts';
import { packageVersion } from '../../src/cli/version.ts';
import { type Context, either, type Outcome, type Row } from '../row.ts';
import { ended } from './package.ts';

export const installGit: Row = {
  name: 'install-git',
  title: '`npm install` of a git address, the last commit, in an empty folder: npm builds it, `npx dawngrad` trains',
  minutes: 2,
  // npm installs the development packages of the clone, and they are many.
  ci: false,
  alone: true,
  run: checkInstalled,
};

/** A short run on few pictures. */
const BRIEF = ['--demo', '--mode', 'extract', '--image-size', '32', '--epochs', '1', '--out', 'runs/demo'];

async function checkInstalled({ scratch }: Context): Promise<Outcome[]> {
  const started = performance.now();
  const app = await installFromGit(scratch);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const env = { DAWNGRAD_CACHE: join(scratch, 'cache') };
  const npx = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    dawngrad(app, args, { npx: true, env: { ...env, ...more } });

  const built = existsSync(join(app.folder, 'node_modules/dawngrad/dist/kernels/templates.js'));
  const version = packageVersion();
  const trained = await npx(['train', ...BRIEF]);
  const doctor = await npx(['doctor']);
  const nowhere = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };
  const bare = await npx(['train', ...BRIEF.slice(0, -1), 'runs/bare'], nowhere);
  const kept = await npm(['exec', 'dawngrad', 'train', '--epochs=3'], app.folder);
  return [
    either(`installed in ${seconds} s`, built, 'built', 'not built'),
    ended('npx dawngrad --version', await npx(['--version']), ({ stdout }) => stdout === `${version}\n`, version),
    ended('npx dawngrad train --demo', trained, ({ stdout }) => stdout.includes('Best val Acc'), 'trains an epoch'),
    ended('npx dawngrad doctor', doctor, ({ stdout }) => stdout.includes('All good'), 'finds no problem'),
    either(
      'npx dawngrad train without a driver',
      bare.code !== 0 && bare.stderr.includes('npx dawngrad doctor'),
      'names the command that says what to install',
      `status ${bare.code}: ${bare.stderr.slice(-400)}`,
    ),
    either(
      'npm exec dawngrad train --epochs=3, which npm keeps',
      kept.code === 2 && kept.stderr.includes('npx dawngrad train --epochs 3'),
      'gives the command line that works',
      `status ${kept.code}: ${kept.stderr.slice(-400)}`,
    ),
  ];
}
