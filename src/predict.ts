/** `dawngrad/predict`: predicts the classes of pictures with a trained network. */
export { FileError, UsageError } from './errors.ts';
export { openPredictor, type Prediction } from './predict/index.ts';
export { tunedChoices } from './tune/index.ts';
