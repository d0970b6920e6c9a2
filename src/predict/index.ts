/** Classifies pictures with a trained network. Other folders import from this file. */
export { type ClassNames, classNamesOf } from './class-names.ts';
export { IMAGENET_CLASSES } from './imagenet-classes.ts';
export { type FolderJudgement, type JudgeFolderOptions, judgeFolder } from './judge-folder.ts';
export { type LabelledFolder, labelsByName, nameKey, openLabelled, partOf, WHOLE } from './labelled-folder.ts';
export {
  countOutputs,
  DEFAULT_BATCH_SIZE,
  DEFAULT_TOP,
  openPredictor,
  type Prediction,
  type PredictOptions,
  Predictor,
  type PredictorOptions,
  type Scored,
} from './predictor.ts';
export type { ClassProbability, Ranking } from './ranking.ts';
export type { NamedBytes, PictureInput, Unreadable } from './render-ahead.ts';
