/** Optimizers and schedules. Other folders import from this file. */

export { Adam, type AdamOptions, type AdamSettings, AdamW } from './adam.ts';
export { clipGradNorm } from './clip-grad-norm.ts';
export { CosineAnnealingLR, type CosineAnnealingLROptions } from './cosine-annealing-lr.ts';
export type { GroupOptions, OptimizedParameters, ParameterGroup } from './groups.ts';
export { LambdaLR, type LrLambda } from './lambda-lr.ts';
export { LinearWarmup, type LinearWarmupOptions } from './linear-warmup.ts';
export { MultiStepLR, type MultiStepLROptions } from './multi-step-lr.ts';
export { OneCycleLR, type OneCycleLROptions } from './one-cycle-lr.ts';
export { Optimizer, type OptimizerState } from './optimizer.ts';
export type { SavedValue, SavedValues } from './saved-values.ts';
export { Schedule, type Scheduled, type ScheduledGroup } from './schedule.ts';
export { SGD, type SGDOptions, type SGDSettings } from './sgd.ts';
export { StepLR, type StepLROptions } from './step-lr.ts';
