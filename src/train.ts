/**
 * `dawngrad/train`: the tutorial's training as a function, with its run folder.
 *
 * @module dawngrad/train
 */
export { FileError, UsageError } from './errors.ts';
export { type Judgement, judge, readJudgement } from './judge/index.ts';
export {
  type Augment,
  type ClassWeights,
  evaluate,
  findLearningRate,
  joinReporters,
  loadTraining,
  NonFiniteLossError,
  type Reporter,
  type ResumeOptions,
  resumeTraining,
  type SearchPoint,
  type SearchResult,
  saveTraining,
  TensorBoardReporter,
  type TrainOptions,
  type TrainResult,
  train,
} from './train/index.ts';
export { tunedChoices } from './tune/index.ts';
