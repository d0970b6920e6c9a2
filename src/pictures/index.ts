/** Public exports of pictures of runs and of predictions. Other folders import from here. */
export { annotatePicture } from './annotate.ts';
export { pictureOf } from './batch-pictures.ts';
export { type ComparedRun, drawComparison } from './comparison.ts';
export { type Confusion, drawConfusion } from './confusion.ts';
export { type CurvePoint, type Curves, drawCurves } from './curves.ts';
export { HEAT_COLOURS, smallJpeg, underHeat } from './heat-map.ts';
export { type PageCurve, type PageRun, pageCurves } from './page-curves.ts';
export { drawPredictions, type Prediction, type Predictions } from './predictions.ts';
export { drawSearch, type Search } from './search.ts';
export { drawTopLosses, type LostPicture, type TopLosses } from './top-losses.ts';
export { drawTrainBatch, type TrainBatch } from './train-batch.ts';
