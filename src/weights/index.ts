/** Reads a checkpoint of any known format, and writes safetensors. Other folders import from this file. */

import { InputFile } from './file.ts';
import { detectFormat } from './format.ts';
import { below, withoutWrappers } from './names.ts';
import { readPthFile } from './pth.ts';
import { readSafetensorsFile } from './safetensors.ts';
import { parseSource } from './source.ts';
import type { Checkpoint } from './types.ts';

export { isAlive, sweepTemporaries, temporaryIn, writeFileAtomic } from './atomic.ts';
export { isAveraged } from './choose-dict.ts';
export { CLASSES_KEY, namedClasses } from './class-names.ts';
export { LIMIT_TEXT, mostBytes } from './limits.ts';
export { writePth } from './pth-writer.ts';
export { readSafetensors } from './safetensors.ts';
export { encodeSafetensors, writeSafetensors } from './safetensors-writer.ts';
export { BEST_WEIGHTS, parseSource } from './source.ts';
export { storedBytes } from './stored-tensor.ts';
export { type Checkpoint, countNumbers, type StoredDtype, type TensorData } from './types.ts';

/**
 * Reads a .pth or .safetensors file. Its first bytes decide the format, not its name. A .pth may hold its state dict
 * under a `state_dict`, `model_state_dict` or `model` key; of several, raw weights come before averaged ones. Prefixes
 * of DataParallel, torch.compile and AveragedModel are removed.
 * @param source the path. `file.pth#ema` takes the state dict under `ema`, or the tensors whose names begin with `ema.`
 * @returns all tensors under their names in the model, and in `notes` what was chosen
 * @throws FileError, starting with the path, if the file is missing, damaged or neither, if it holds more than tensors,
 *   or if reading it would take memory beyond 8 times its size and 1 MiB
 */
export function readCheckpoint(source: string): Checkpoint {
  const { path, choice } = parseSource(source);
  return InputFile.use(path, (file) => {
    const format = detectFormat(file);
    const { checkpoint, chosen } =
      format === 'safetensors'
        ? { checkpoint: readSafetensorsFile(file), chosen: false }
        : readPthFile(file, format, choice);
    const part = choice === undefined || chosen ? checkpoint : below(path, checkpoint, choice);
    return withoutWrappers(part);
  });
}
