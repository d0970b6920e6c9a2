/** `dawngrad/predict`: predicts with a trained network what pictures show. */
export { FileError, UsageError } from './errors.ts';
export { openPredictor, type Prediction } from './predict/index.ts';
export { tunedChoices } from './tune/index.ts';
