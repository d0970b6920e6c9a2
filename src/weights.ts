/** `dawngrad/weights`: PyTorch's checkpoints and safetensors, read without executing anything, and written whole or not at all. */
export { FileError } from './errors.ts';
export { type Checkpoint, readCheckpoint, writeSafetensors } from './weights/index.ts';
