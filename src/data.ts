/**
 * `dawngrad/data`: folders of pictures as batches, with torchvision's transforms and torch's random numbers.
 *
 * @module dawngrad/data
 */
export {
  type Batch,
  DataLoader,
  DecoderPool,
  ImageFolder,
  type TrainTransform,
  trainTransform,
  type ValTransform,
  valTransform,
} from './data/index.ts';
export { FileError } from './errors.ts';
export { type InputSpec, torchvisionInput, withCrop } from './input-spec.ts';
export { Generator } from './random/mt19937.ts';
