/** dawngrad as a library: the engine, networks, weights, pictures and training. `src/cli` is the same from a terminal. */
export * from './data/index.ts';
export * from './engine-node.ts';
export { FileError, UsageError } from './errors.ts';
export * from './fetch/index.ts';
export * from './predict/index.ts';
export * from './train/index.ts';
export * from './tune/index.ts';
export * from './weights/index.ts';
