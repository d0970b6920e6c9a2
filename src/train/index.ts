/** Training as the tutorial does it. The room's door: other folders import from here. */
export { Best } from './best.ts';
export { compareRuns, type RunComparison, type RunMetrics, type RunPair, readMetrics } from './compare-runs.ts';
export { openDryGpu } from './dry-device.ts';
export { NonFiniteLossError } from './errors.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export { endLines, epochLines, fixed, phaseLine } from './lines.ts';
export { checkLimits, formatBytes, type MemoryQuestion, planMemory, type Rehearsal, rehearse } from './memory.ts';
export {
  architectureOf,
  buildModel,
  CLASSES_KEY,
  FROM_SCRATCH,
  namedClasses,
  readStart,
  type Start,
  startFrom,
} from './model.ts';
export {
  checkMode,
  checkNumber,
  type FindTuned,
  NUMBER_OPTIONS,
  type NumberOption,
  type NumberSettings,
  numberSettings,
  type TrainOptions,
} from './options.ts';
export { type PhaseRun, type PhaseTotals, runPhase } from './phase.ts';
export { makeLoaders, openPictures, type Pictures, valTransform } from './pictures.ts';
export { checkUnused, defaultRunPath, PICTURE_FILES, RUN_FILES, RunFolder } from './run-folder.ts';
export { type HostBatch, type StepResult, trainStep, valStep } from './step.ts';
export { type TrainResult, train } from './train.ts';
export {
  type Architecture,
  type MemoryPlan,
  type Phase,
  type PhaseMetrics,
  type Reporter,
  type RunStart,
  type RunSummary,
  type StepProgress,
  TRAIN_MODES,
  type TrainMode,
} from './types.ts';
