/** Training as in the tutorial. Other folders import from this file. */

export { Best } from './best.ts';
export { compareRuns, type RunComparison, type RunMetrics, type RunPair, readMetrics } from './compare-runs.ts';
export { type DataReport, type DataReportOptions, reportData } from './data-report.ts';
export {
  BrokenPicturesError,
  type DivergedAt,
  DivergedError,
  ExplodedLossError,
  NonFiniteLossError,
  someOf,
} from './errors.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export { checkValSplit, type DataSettings, type FoundPictures, findPictures } from './find-pictures.ts';
export { judgedPictures } from './judged-pictures.ts';
export { endLines, epochLines, fixed, phaseLine } from './lines.ts';
export { findLearningRate, SEARCH_FILES, type SearchPoint, type SearchResult } from './lr-find.ts';
export { checkMode, ON_DIVERGENCE, type OnDivergence, type ResumeOptions, type TrainOptions } from './options.ts';
export { type PhaseRun, type PhaseTotals, runPhase } from './phase.ts';
export { splitLine } from './picture-notes.ts';
export { makeLoaders, openPictures, type PictureSet, type Pictures } from './pictures.ts';
export { checkViews, MOST_VIEWS, PROBE_DEFAULTS } from './probe/settings.ts';
export { type Recipe, type RecipeOptions, recipeOf, SCHEDULES, type ScheduleName } from './recipe.ts';
export {
  AUGMENTS,
  type Augment,
  type ClassWeights,
  checkAugment,
  checkShare,
  type RegularizationOptions,
} from './regularization.ts';
export { divideAsRun, type RunDivision, runOfWeights } from './run-division.ts';
export { checkUnused, makeRunFolder, PICTURE_FILES, RUN_FILES, RunFolder } from './run-folder.ts';
export { countsOf } from './run-report.ts';
export { joinReporters, type TensorBoardOptions, TensorBoardReporter } from './tensorboard/reporter.ts';
export { resumeTraining, train } from './train.ts';
export { type Extra, loadTraining, saveTraining, type TrainingParts } from './training-state.ts';
export type {
  CheckProgressReport,
  FeatureProgress,
  JudgingProgress,
  PhaseMetrics,
  Preparation,
  Reporter,
  RunSegment,
  RunStart,
  RunSummary,
  StepProgress,
  TrainResult,
} from './types.ts';
