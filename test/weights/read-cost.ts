/** Reads a checkpoint and prints how much more memory the process took at most, in bytes. Run by limits.test.ts. */
import { FileError } from '../../src/errors.ts';
import { namedClasses, readCheckpoint } from '../../src/weights/index.ts';
import { peakMemory } from '../support/peak-memory.ts';

const before = peakMemory();
try {
  namedClasses(readCheckpoint(process.argv[2]!));
} catch (error) {
  if (!(error instanceof FileError)) throw error;
}
console.log(peakMemory() - before);
