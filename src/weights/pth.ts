/**
 * PyTorch's .pth files: torch's zip (since 1.6) and its older stream. Reads the pickle, finds the state dict in it, and
 * only then reads the values of the state dict's tensors.
 */

import type { InputFile } from './file.ts';
import { type CheckpointFormat, failTarFormat, failUnknownFormat } from './format.ts';
import { findStateDict } from './state-dict.ts';
import { StorageReader } from './storage.ts';
import { readTorchStream } from './torch-stream.ts';
import { readTorchZip } from './torch-zip.ts';
import type { Checkpoint, TensorData } from './types.ts';

/** The content of a file, and whether the user's choice is already made in it. */
export interface ReadFile {
  readonly checkpoint: Checkpoint;
  readonly chosen: boolean;
}

/**
 * Reads an open file of known format.
 * @param choice the state dict to take; undefined to take the raw weights
 * @throws FileError if the file is damaged, of another format, holds more than tensors, or costs too much to read
 */
export function readPthFile(file: InputFile, format: CheckpointFormat, choice?: string): ReadFile {
  if (format === 'tar') failTarFormat(file);
  if (format === 'unknown') failUnknownFormat(file);
  const { value, readBytes } = format === 'zip' ? readTorchZip(file) : readTorchStream(file);
  const { tensors, metadata, chosen } = findStateDict(file.path, value, choice);
  const storages = new StorageReader(file, readBytes);
  const loaded = new Map<string, TensorData>();
  for (const [name, ref] of tensors) loaded.set(name, storages.readTensor(name, ref));
  const notes = chosen.note === undefined ? {} : { notes: [chosen.note] };
  return { checkpoint: { tensors: loaded, metadata, ...notes }, chosen: chosen.byChoice };
}
