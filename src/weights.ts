/**
 * `dawngrad/weights`: reads PyTorch's checkpoints and safetensors without executing anything, and writes files whole or
 * not at all.
 *
 * @module dawngrad/weights
 */
export { FileError } from './errors.ts';
export { type Checkpoint, readCheckpoint, writePth, writeSafetensors } from './weights/index.ts';
