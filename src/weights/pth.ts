/**
 * PyTorch's .pth files: torch's zip (since 1.6) and its older stream. Reads the pickle, finds the state dict in it, and
 * only then reads the values of the state dict's tensors.
 */

import { InputFile } from './file.ts';
import { type CheckpointFormat, detectFormat, failTarFormat, failUnknownFormat } from './format.ts';
import { findStateDict } from './state-dict.ts';
import { StorageReader } from './storage.ts';
import { readTorchStream } from './torch-stream.ts';
import { readTorchZip } from './torch-zip.ts';
import type { Checkpoint, TensorData } from './types.ts';

/**
 * Reads a state dict saved by torch.save, as float32.
 * @returns the tensors under their names in the model. The dict may be under a `state_dict`, `model_state_dict` or
 *   `model` key; DataParallel's `module.` is removed
 * @throws FileError if the file is missing, damaged, of another format, or holds more than tensors
 */
export function readPth(path: string): Checkpoint {
  return InputFile.use(path, (file) => {
    const format = detectFormat(file);
    if (format === 'safetensors') file.fail('expected a .pth, but this is a safetensors file; use readCheckpoint');
    return readPthFile(file, format);
  });
}

/** Reads an open file of known format. @throws FileError as readPth */
export function readPthFile(file: InputFile, format: CheckpointFormat): Checkpoint {
  if (format === 'tar') failTarFormat(file);
  if (format === 'unknown') failUnknownFormat(file);
  const { value, readBytes } = format === 'zip' ? readTorchZip(file) : readTorchStream(file);
  const { tensors, metadata } = findStateDict(file.path, value);
  const storages = new StorageReader(file, readBytes);
  const loaded = new Map<string, TensorData>();
  for (const [name, ref] of tensors) loaded.set(name, storages.readTensor(name, ref));
  return { tensors: loaded, metadata };
}
