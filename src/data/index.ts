/** Reads pictures and makes batches. This folder does not depend on the engine. */

export { Generator, type GeneratorState } from '../random/mt19937.ts';
export { type AlikeGroup, findAlike, MOST_COMPARED } from './catalogue/alike.ts';
export type { PictureFacts } from './catalogue/facts.ts';
export { groupsText, tornLine, warningsOf } from './catalogue/finding-lines.ts';
export {
  type Alike,
  type CataloguePart,
  type Findings,
  findingsOf,
  IMBALANCE,
  SMALL_SIDE,
} from './catalogue/findings.ts';
export {
  checkParts,
  type FoundParts,
  type FoundSet,
  findLayout,
  findParts,
  isAmongPictures,
  type Layout,
} from './catalogue/layout.ts';
export {
  countedKind,
  LEFT_OUT_KINDS,
  LEFT_OUT_TEXT,
  type LeftOut,
  type LeftOutKind,
  whatOf,
} from './catalogue/left-out.ts';
export { folderOf, isList, LIST_EXTENSIONS } from './catalogue/list.ts';
export { DEFAULT_VAL_SPLIT, type Split, splitPictures } from './catalogue/split.ts';
export { SPLIT_NAMES, type SplitName, splitNamed } from './catalogue/split-names.ts';
export { type Survey, surveyPictures } from './catalogue/survey.ts';
export type { BrokenPicture, CheckOptions, DecodeCheckOptions } from './check.ts';
export { fileContentHashes } from './content-hash.ts';
export {
  checkFileSize,
  type DecodeOptions,
  decode,
  type EncodedPicture,
  MAX_PIXELS,
  PictureTooLargeError,
  readSize,
} from './decode.ts';
export { DecoderPool } from './decoder-pool.ts';
export { type Draw, drawCrop, drawEpoch, type EpochShape } from './draws.ts';
export { FORMAT_NAMES, formatOf, PICTURE_FORMATS, type PictureFormat } from './formats.ts';
export {
  byCodePoint,
  IMAGE_EXTENSIONS,
  type ImageDataset,
  ImageFolder,
  listPictures,
  type Sample,
} from './image-folder.ts';
export { type Batch, DataLoader, type DataLoaderOptions } from './loader.ts';
export { drawMix, mixPictures } from './mixup.ts';
export { fsPath, nameFromBytes, placeIn, printableName, realPath } from './names.ts';
export { PixelCache } from './pixel-cache.ts';
export { type Box, type ResizeOptions, resize } from './resize.ts';
export { loadSharp } from './sharp.ts';
export {
  centerCrop,
  drawFlip,
  drawResizedCrop,
  expf,
  IMAGENET_MEAN,
  IMAGENET_STD,
  normalize,
  type Picture,
  POLICIES,
  type Policy,
  resizedCrop,
  resizeShorterSide,
  roundHalfEven,
  TRAIN_TRANSFORM,
  type TrainTransform,
  type Transform,
  trainTransform,
  VAL_TRANSFORM,
  type ValTransform,
  valCrop,
  valTransform,
} from './transforms.ts';
