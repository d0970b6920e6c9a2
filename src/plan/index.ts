/** What a run will take and choose, found out before it runs. The room's door: other folders import from here. */

export { openDryGpu } from './dry-device.ts';
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
export { checkNumber, NUMBER_OPTIONS, type NumberOption, type NumberSettings, numberSettings } from './numbers.ts';
