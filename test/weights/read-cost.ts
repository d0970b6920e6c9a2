/** Reads a checkpoint and prints how much more memory the process took at most, in bytes. Run by limits.test.ts. */
import { FileError } from '../../src/errors.ts';
import { namedClasses, readCheckpoint } from '../../src/weights/index.ts';

const peak = () => process.resourceUsage().maxRSS * 1024;
const before = peak();
try {
  namedClasses(readCheckpoint(process.argv[2]!));
} catch (error) {
  if (!(error instanceof FileError)) throw error;
}
console.log(peak() - before);
