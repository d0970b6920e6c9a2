/** `dawngrad/train`: the tutorial's training as a function, with its run folder. */
export { FileError, UsageError } from './errors.ts';
export {
  evaluate,
  NonFiniteLossError,
  type Reporter,
  type TrainOptions,
  type TrainResult,
  train,
} from './train/index.ts';
export { tunedChoices } from './tune/index.ts';
