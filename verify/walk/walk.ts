/** docs/walk.md as a person walks it: from a messy folder to a better model, each command as the document shows it. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachePath } from '../../src/fetch/index.ts';
import { ROOT, shaderCache } from '../processes.ts';
import { runShown, shownCommands } from './document.ts';
import { drawMessyFolder } from './folder.ts';

export const WALK = join(ROOT, 'docs', 'walk.md');

export interface Walked {
  readonly command: string;
  readonly shown: string;
  readonly printed: string;
}

/**
 * Draws the folder and runs the commands of the document in it, one after another.
 * @param scratch an empty folder
 * @param weights ImageNet weights of ResNet-18, which the cache then holds as if they had been downloaded
 */
export async function walk(scratch: string, weights: string, onCommand: (command: string) => void): Promise<Walked[]> {
  const [folder, cache] = [join(scratch, 'person'), join(scratch, 'cache')];
  for (const path of [folder, cache]) mkdirSync(path);
  const env = {
    ...process.env,
    ...shaderCache(join(scratch, 'shaders')),
    DAWNGRAD_CACHE: cache,
    DAWNGRAD_NO_SETUP: '1',
  };
  // The person has named nothing in the environment.
  for (const name of ['DAWNGRAD_DATA', 'DAWNGRAD_WEIGHTS', 'NO_COLOR', 'FORCE_COLOR'])
    delete (env as NodeJS.ProcessEnv)[name];
  // Where the download would lie. It is named, as other weights than torchvision's own may be given.
  const downloaded = cachePath('weights', { env });
  copyFileSync(weights, downloaded);
  (env as NodeJS.ProcessEnv).DAWNGRAD_WEIGHTS = downloaded;
  await drawMessyFolder(folder);
  const names = [
    [`${folder}/`, ''],
    [cache, '~/.cache/dawngrad'],
  ] as const;
  const walked: Walked[] = [];
  for (const { command, output } of shownCommands(readFileSync(WALK, 'utf8'))) {
    onCommand(command);
    const printed = await runShown(command, { folder, checkout: ROOT, env, names });
    walked.push({ command, shown: output, printed });
  }
  return walked;
}
