/** Reads a checkpoint of any known format, and writes safetensors. Other folders import from this file. */

import { InputFile } from './file.ts';
import { detectFormat } from './format.ts';
import { readPthFile } from './pth.ts';
import { readSafetensorsFile } from './safetensors.ts';
import type { Checkpoint } from './types.ts';

export { isAlive, sweepTemporaries, writeFileAtomic } from './atomic.ts';
export { readPth } from './pth.ts';
export { encodeSafetensors, readSafetensors, writeSafetensors } from './safetensors.ts';
export { type Checkpoint, countNumbers, type StoredDtype, type TensorData } from './types.ts';

/**
 * Reads a .pth or .safetensors file. Its first bytes decide the format, not its name.
 * @returns all tensors as float32, under their names in the model
 * @throws FileError, starting with the path, if the file is missing, damaged or neither
 */
export function readCheckpoint(path: string): Checkpoint {
  return InputFile.use(path, (file) => {
    const format = detectFormat(file);
    return format === 'safetensors' ? readSafetensorsFile(file) : readPthFile(file, format);
  });
}
