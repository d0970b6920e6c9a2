/**
 * `dawngrad/engine` under Node: the same, but Dawn opens the device (npm `webgpu`).
 *
 * @module dawngrad/engine (Node)
 */
export * from './engine.ts';
export { type OpenOptions, openGpu } from './gpu/dawn.ts';
