/** Tells pictures apart by their bytes. */
import { createHash } from 'node:crypto';
import { fileLimit } from './decode.ts';
import { readPictureFileAsync } from './picture-file.ts';

/** Files under way at once. */
const AT_ONCE = 8;

/**
 * The SHA-256 of each file, in hex; undefined for one that cannot be read or is larger than a picture of `maxPixels`
 * can be.
 */
export async function fileContentHashes(paths: readonly string[], maxPixels: number): Promise<(string | undefined)[]> {
  const hashes = new Array<string | undefined>(paths.length);
  let next = 0;
  const worker = async () => {
    while (next < paths.length) {
      const at = next++;
      try {
        const bytes = await readPictureFileAsync(paths[at]!, fileLimit(maxPixels));
        hashes[at] = createHash('sha256').update(bytes).digest('hex');
      } catch {
        // Whoever decodes it will say what is wrong.
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return hashes;
}
