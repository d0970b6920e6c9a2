/** Putting what is whole into its place in the cache, beside other processes that may be doing the same. */
import { renameSync, rmSync, statSync } from 'node:fs';
import { withTemporary } from './temporaries.ts';

/** Each time another process would have to put something broken there in between. */
const ATTEMPTS = 5;

/**
 * Renames a file or folder of the cache to its final name. If that is taken, what is there stays if it is whole (another
 * process was quicker), and is replaced if not.
 * @param isWhole of what is at `target`
 */
export async function moveIntoPlace(
  cache: string,
  temporary: string,
  target: string,
  isWhole: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      // A file replaces a file in one go.
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
