/** Public exports of downloads: the tutorial's pictures and weights, kept in a cache folder. */
export { cacheFolder, type Environment, type System } from './cache-folder.ts';
export { tutorialData } from './data.ts';
export { DownloadError, UnreachableError } from './errors.ts';
export {
  ADDRESS_VARIABLES,
  cachePath,
  type FetchKind,
  type FetchOptions,
  type FetchProgress,
  OFFICIAL_ADDRESSES,
} from './source.ts';
export { tutorialWeights } from './weights.ts';
