/** Finding the fastest kernels on the adapter at hand, and remembering them. The room's door: other folders import from here. */
export { type TuneLimits, tuneLimits } from './budget.ts';
export { tunedPath } from './cache.ts';
export { engineVersion } from './engine-version.ts';
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
