/**
 * A kernel is data: its shader, its bindings with their access, its uniform block. One function launches them all, and a
 * test holds every declaration against the WGSL it names.
 */
import type { Gpu, Program } from '../gpu/gpu.ts';
import type { PooledBuffer } from '../gpu/pool.ts';
import { renderShader } from './source.ts';

export type Access = 'read' | 'read_write';
export type Scalar = 'u32' | 'i32' | 'f32';
export type Constants = Readonly<Record<string, number | boolean>>;

export interface Kernel<B extends string = string, U extends string = string> {
  /** Name in timings and errors. */
  readonly name: string;
  /** File in `shaders/`. */
  readonly shader: string;
  /** Storage bindings 0, 1, … in this order. */
  readonly bindings: Readonly<Record<B, Access>>;
  /** Fields of `struct Params`, all scalars, bound after the storage bindings. */
  readonly uniforms: Readonly<Record<U, Scalar>>;
  /** Values of the template's constants with which tests render the shader. */
  readonly example?: Constants;
}

export interface Launch<B extends string, U extends string> {
  readonly buffers: Readonly<Record<B, PooledBuffer>>;
  readonly uniforms: Readonly<Record<U, number>>;
  readonly workgroups: readonly [number, number, number];
  /** Constants of the template; each set of values is a shader of its own. */
  readonly constants?: Constants;
  /** Shown in timings beside the kernel's name. */
  readonly label?: string;
}

/** Every kernel that was declared, for the test that reads them all. */
export const kernels: Kernel[] = [];

export function defineKernel<B extends string, U extends string>(kernel: Kernel<B, U>): Kernel<B, U> {
  kernels.push(kernel as unknown as Kernel);
  return kernel;
}

export function launch<B extends string, U extends string>(gpu: Gpu, kernel: Kernel<B, U>, run: Launch<B, U>): void {
  gpu.dispatch({
    program: programOf(kernel, run.constants ?? {}),
    buffers: (Object.keys(kernel.bindings) as B[]).map((name) => run.buffers[name]),
    uniforms: packUniforms(kernel.uniforms, run.uniforms),
    workgroups: run.workgroups,
    ...(run.label === undefined ? {} : { label: run.label }),
  });
}

const programs = new WeakMap<object, Map<string, Program>>();

function programOf(kernel: Kernel<never, never> | Kernel, constants: Constants): Program {
  let variants = programs.get(kernel);
  if (!variants) {
    variants = new Map();
    programs.set(kernel, variants);
  }
  const values = JSON.stringify(constants);
  let program = variants.get(values);
  if (!program) {
    program = {
      key: `${kernel.name}:${kernel.shader}:${values}`,
      name: kernel.name,
      code: () => renderShader(kernel.shader, constants),
      access: Object.values(kernel.bindings),
      hasUniforms: Object.keys(kernel.uniforms).length > 0,
    };
    variants.set(values, program);
  }
  return program;
}

/** Packs scalars in declared order, four bytes each, padded to 16: the layout WGSL gives a struct of scalars. */
export function packUniforms<U extends string>(
  fields: Readonly<Record<U, Scalar>>,
  values: Readonly<Record<U, number>>,
) {
  const names = Object.keys(fields) as U[];
  const bytes = new Uint8Array(Math.ceil((names.length * 4) / 16) * 16);
  const view = new DataView(bytes.buffer);
  names.forEach((name, i) => {
    const value = values[name];
    const type = fields[name];
    if (type === 'f32') view.setFloat32(i * 4, value, true);
    else if (!Number.isInteger(value)) throw new TypeError(`Uniform ${name} must be an integer, got ${value}.`);
    else if (type === 'i32') view.setInt32(i * 4, value, true);
    else view.setUint32(i * 4, value, true);
  });
  return bytes;
}
