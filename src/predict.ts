/** `dawngrad/predict`: a trained network that says what pictures show. */
export { FileError, UsageError } from './errors.ts';
export { openPredictor, type Prediction } from './predict/index.ts';
export { tunedChoices } from './tune/index.ts';
