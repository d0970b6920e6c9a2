/**
 * `dawngrad`: all entries in one, for Node. `src/cli` offers the same on the command line.
 *
 * @module dawngrad
 */
export * from './data.ts';
export * from './engine-node.ts';
export * from './onnx.ts';
export * from './predict.ts';
export * from './train.ts';
export * from './weights.ts';
