/**
 * `dawngrad/predict`: predicts the classes of pictures with a trained network.
 *
 * @module dawngrad/predict
 */
export { FileError, UsageError } from './errors.ts';
export { judgeFolder, openLabelled, openPredictor, type Prediction } from './predict/index.ts';
export { tunedChoices } from './tune/index.ts';
