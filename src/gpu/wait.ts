/** Waits for a promise of WebGPU. The best way depends on the implementation. */
export type Wait = <T>(promise: Promise<T>) => Promise<T>;
