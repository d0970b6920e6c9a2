/** Plans a run's memory and kernel choices before it runs. Other folders import from this file. */

export { openDryGpu } from './dry-device.ts';
export { engineVersion } from './engine-version.ts';
export { Ledger } from './ledger.ts';
export {
  checkLimits,
  type FindTuned,
  formatBytes,
  type MemoryPlan,
  type MemoryQuestion,
  planMemory,
  type Rehearsal,
  rehearse,
} from './memory.ts';
export {
  checkNumber,
  isNumberOption,
  isQuiet,
  NUMBER_OPTIONS,
  type NumberOption,
  type NumberSettings,
  numberSettings,
  writtenNumbers,
} from './numbers.ts';
