/** Finds the fastest kernels on the current adapter and stores the answers. Other folders import from this file. */

export { engineVersion } from '../plan/index.ts';
export { type TuneLimits, tuneLimits } from './budget.ts';
export { tunedPath } from './cache.ts';
export type { Candidate, TuneResult, TuneState } from './measured.ts';
export {
  choicesOf,
  DEFAULT_BUDGET,
  keepResults,
  type TunedChoicesOptions,
  type TuneOptions,
  type TuneReport,
  tune,
  tunedChoices,
} from './tune.ts';
export type { TuneProgress } from './tuner.ts';
export { noTable, shippedTable, type Table } from './works.ts';
