/** Moves complete downloads to their place in the cache, while other processes may do the same. */
import { renameSync, rmSync, statSync } from 'node:fs';
import { withTemporary } from './temporaries.ts';

/** Each further attempt means that another process put something incomplete there in between. */
const ATTEMPTS = 5;

/**
 * Renames a file or folder of the cache to its final name. An existing `target` stays if it is complete (another
 * process was quicker), and is replaced otherwise.
 * @param isWhole whether `target` is complete
 */
export async function moveIntoPlace(
  cache: string,
  temporary: string,
  target: string,
  isWhole: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      // Replacing a file by a file is one atomic step.
      renameSync(temporary, target);
      return;
    } catch (error) {
      if (!statSync(target, { throwIfNoEntry: false })) throw error;
      if (await isWhole()) return;
      if (attempt === ATTEMPTS) throw error;
    }
    await withTemporary(cache, async (aside) => {
      try {
        renameSync(target, aside);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      rmSync(aside, { recursive: true, force: true });
    });
  }
}
