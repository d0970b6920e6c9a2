/** Waits for a promise of WebGPU. How to do that well depends on who implements it. */
export type Wait = <T>(promise: Promise<T>) => Promise<T>;
