/** `dawngrad`: all entries in one, for Node. `src/cli` is the same from a terminal. */
export * from './data.ts';
export * from './engine-node.ts';
export * from './predict.ts';
export * from './train.ts';
export * from './weights.ts';
