/** dawngrad as a library: the engine, networks, weights, pictures and training. `src/cli` is the same from a terminal. */
export * from './data/index.ts';
export * from './engine-node.ts';
export { FileError, UsageError } from './errors.ts';
export * from './fetch/index.ts';
export { CLASSES_KEY, type Start, startFrom } from './models/start.ts';
export { type HostBatch, type StepResult, trainStep, valStep } from './models/step.ts';
export { type Architecture, type Phase, TRAIN_MODES, type TrainMode } from './models/types.ts';
export * from './plan/index.ts';
export * from './predict/index.ts';
export * from './train/index.ts';
export * from './tune/index.ts';
export * from './weights/index.ts';
