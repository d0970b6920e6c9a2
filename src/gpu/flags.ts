/**
 * WebGPU's bit flags, by the names and values of its specification. A browser has them as globals, such as
 * `GPUBufferUsage`; Node has not, and the engine puts nothing there. Only those that the engine uses.
 */

/** `GPUBufferUsage`: what a buffer may be used for. */
export const BufferUsage = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;

/** `GPUTextureUsage`: what a texture may be used for. */
export const TextureUsage = { COPY_DST: 0x2, STORAGE_BINDING: 0x8 } as const;

/** `GPUMapMode`: whether a mapped buffer is read or written. */
export const MapMode = { READ: 0x1 } as const;

/** `GPUShaderStage`: which stages see a binding. */
export const ShaderStage = { COMPUTE: 0x4 } as const;
