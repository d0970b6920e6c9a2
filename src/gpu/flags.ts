/**
 * WebGPU's bit flags, with the names and values of its specification. Browsers have them as globals, such as
 * `GPUBufferUsage`; Node does not, and the engine sets no globals. Only the flags that the engine uses are here.
 */

/** `GPUBufferUsage`: the allowed uses of a buffer. */
export const BufferUsage = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;

/** `GPUTextureUsage`: the allowed uses of a texture. */
export const TextureUsage = { COPY_DST: 0x2, STORAGE_BINDING: 0x8 } as const;

/** `GPUMapMode`: whether a mapped buffer is read or written. */
export const MapMode = { READ: 0x1 } as const;

/** `GPUShaderStage`: which stages see a binding. */
export const ShaderStage = { COMPUTE: 0x4 } as const;
