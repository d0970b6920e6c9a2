/** What comes from the network: the tutorial's pictures and weights, kept in a cache folder. The room's door. */
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
