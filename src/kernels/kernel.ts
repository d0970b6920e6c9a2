/**
 * A kernel is data: its shader, its bindings with their access, its uniform block. One function launches every kernel,
 * and a test compares every declaration with its WGSL.
 */
import { BoundedCache } from '../gpu/bounded-cache.ts';
import { DeviceMismatchError, GpuError } from '../gpu/errors.ts';
import type { Access, Gpu, Program } from '../gpu/gpu.ts';
import type { Pooled } from '../gpu/pool.ts';
import { renderShader } from './source.ts';

/** Type of a uniform; each takes four bytes. */
export type Scalar = 'u32' | 'i32' | 'f32';
/** Values inserted into a shader's text. */
export type Constants = Readonly<Record<string, number | boolean>>;

interface Declaration<B extends string, U extends string> {
  /** Name in timings and errors. */
  readonly name: string;
  /** Storage bindings 0, 1, … of group 0, in this order. */
  readonly bindings: Readonly<Record<B, Access>>;
  /** Fields of `struct Params`, in this order. The uniform follows the storage bindings; `{}` for none. */
  readonly uniforms: Readonly<Record<U, Scalar>>;
}

/** A kernel of this project; its shader is a file. */
export interface Kernel<B extends string = string, U extends string = string> extends Declaration<B, U> {
  /** File in `shaders/`. */
  readonly shader: string;
  /** Further values for the shader's template, such as a list of loads to unroll. Depends on the constants alone. */
  derive?(constants: Constants): Readonly<Record<string, unknown>>;
  /** Values of the template's constants with which tests render the shader. */
  readonly example?: Constants;
}

/** A kernel that contains its shader. */
export interface InlineKernel<B extends string = string, U extends string = string, K extends Constants = Constants>
  extends Declaration<B, U> {
  /**
   * The shader: WGSL with the declared bindings and one compute entry point. A shader that depends on a launch's
   * constants is a function of them.
   */
  readonly wgsl: string | ((constants: K) => string);
}

/** One run of a kernel. */
export interface Launch<B extends string, U extends string, K extends Constants = Constants> {
  /** `tensor.buffer` for each binding, or a texture for a texture binding. */
  readonly buffers: Readonly<Record<B, Pooled>>;
  readonly uniforms: Readonly<Record<U, number>>;
  /** Workgroups in x, y and z; at most 65,535 each. */
  readonly workgroups: readonly [number, number, number];
  /** Constants of the shader. Each set of values makes a separate shader, compiled on first use. */
  readonly constants?: K;
  /** Shown in timings beside the kernel's name. */
  readonly label?: string;
}

/** Every declared kernel, for the test that checks them all. */
export const kernels: Kernel[] = [];

/**
 * Declares a kernel once, for `launch` to run. With inline WGSL:
 *
 *     const scale = defineKernel({
 *       name: 'scale',
 *       bindings: { input: 'read', output: 'read_write' },
 *       uniforms: { count: 'u32', factor: 'f32' },
 *       wgsl: `
 *         struct Params { count: u32, factor: f32 }
 *         @group(0) @binding(0) var<storage, read> input: array<f32>;
 *         @group(0) @binding(1) var<storage, read_write> output: array<f32>;
 *         @group(0) @binding(2) var<uniform> params: Params;
 *         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
 *           if (id.x < params.count) { output[id.x] = params.factor * input[id.x]; }
 *         }`,
 *     });
 *
 * To unroll a loop or to choose a type, make `wgsl` a function. Each set of `constants` passed to `launch` makes a
 * separate shader. The function must return equal text for equal constants.
 *
 *     wgsl: ({ taps }: { taps: number }) => `… ${Array.from({ length: taps }, (_, i) => `sum += x[${i}];`).join(' ')} …`
 *
 * If a shader does not compile, or does not fit its declaration, a later call throws a GpuError.
 */
export function defineKernel<B extends string, U extends string, K extends Constants = Constants>(
  kernel: InlineKernel<B, U, K>,
): InlineKernel<B, U, K>;
/** Declares a kernel of this project; its shader is a file. */
export function defineKernel<B extends string, U extends string>(kernel: Kernel<B, U>): Kernel<B, U>;
export function defineKernel<T extends Kernel | InlineKernel<string, string, never>>(kernel: T): T {
  if ('shader' in kernel) kernels.push(kernel);
  return kernel;
}

/** Returns the WGSL of a kernel of this project with these constants. */
export function renderKernel(kernel: Kernel, constants: Constants): string {
  return renderShader(kernel.shader, { ...constants, ...kernel.derive?.(constants) });
}

/**
 * Records one run of a kernel; it awaits nothing. Later commands can use its results and read them back.
 * Each buffer that the kernel writes gets a new version, which invalidates data derived from the old one.
 * @throws TypeError if a buffer is missing, an integer uniform is not an integer, or the shader does not take the
 *   constants; DeviceMismatchError for a buffer of another device; GpuError if a written buffer is bound twice;
 *   GpuError or DeviceLostError for an earlier failure
 */
export function launch<B extends string, U extends string, K extends Constants = Constants>(
  gpu: Gpu,
  kernel: Kernel<B, U> | InlineKernel<B, U, K>,
  run: Launch<B, U, K>,
): void {
  checkWorkgroups(kernel.name, run.workgroups);
  if ('wgsl' in kernel) checkUniformNames(kernel, run.uniforms);
  gpu.dispatch({
    program: programOf(kernel, run.constants),
    buffers: boundBuffers(gpu, kernel, run.buffers),
    uniforms: packUniforms(kernel.uniforms, run.uniforms),
    workgroups: run.workgroups,
    ...(run.label === undefined ? {} : { label: run.label }),
  });
}

/** A misspelt name would be ignored. The kernels of this project are given all extents of a shape. */
function checkUniformNames({ name: kernel, uniforms }: Declaration<never, string>, values: object): void {
  const unknown = Object.keys(values).find((name) => !(name in uniforms));
  if (unknown === undefined) return;
  const names = Object.keys(uniforms).join(', ');
  throw new TypeError(
    `${kernel}: uniform ${unknown} is not declared. Declare it, or leave it out; there are: ${names}.`,
  );
}

/** WebGPU's default limit on workgroups per dimension. */
const MOST_WORKGROUPS = 65535;

function checkWorkgroups(kernel: string, workgroups: readonly number[]): void {
  const good = (count: number) => Number.isInteger(count) && count >= 0 && count <= MOST_WORKGROUPS;
  if (workgroups.length === 3 && workgroups.every(good)) return;
  throw new RangeError(
    `${kernel}: workgroups must be three whole numbers from 0 to ${MOST_WORKGROUPS}, got [${workgroups.join(', ')}]. ` +
      'linearGrid() folds larger counts.',
  );
}

/** Returns the buffers in binding order. A buffer that the kernel writes may be bound only once. */
function boundBuffers<B extends string>(
  gpu: Gpu,
  { name: kernel, bindings }: Declaration<B, never>,
  buffers: Readonly<Record<B, Pooled>>,
): Pooled[] {
  const names = Object.keys(bindings) as B[];
  const bound = names.map((name) => {
    const buffer = buffers[name];
    if (!buffer) throw new TypeError(`${kernel}: binding ${name} needs a buffer, got ${buffer}.`);
    if (buffer.pool && buffer.pool !== gpu.pool) {
      throw new DeviceMismatchError(
        `${kernel}: the buffer of ${name} is on another device than the kernel. Use one device for both.`,
      );
    }
    return buffer;
  });
  names.forEach((name, i) => {
    if (bindings[name] !== 'read_write') return;
    const twice = bound.findIndex((buffer, j) => j !== i && buffer === bound[i]);
    if (twice >= 0) {
      throw new GpuError(
        `${kernel}: ${name} is written and has the same buffer as ${names[twice]}. Write to another buffer.`,
      );
    }
  });
  return bound;
}

/** Maximum number of cached programs per kernel, one for each set of constants. */
const VARIANTS = 512;

const programs = new WeakMap<object, BoundedCache<string, Program>>();

function programOf<K extends Constants>(
  kernel: Kernel<never, never> | InlineKernel<never, never, K>,
  constants: K | undefined,
): Program {
  let variants = programs.get(kernel);
  if (!variants) {
    variants = new BoundedCache(VARIANTS);
    programs.set(kernel, variants);
  }
  // JSON has no infinities.
  const values = JSON.stringify(constants ?? {}, (_, value) =>
    Number.isFinite(value) || typeof value !== 'number' ? value : `${value}`,
  );
  let program = variants.get(values);
  if (!program) {
    program = {
      ...('wgsl' in kernel ? inlineCode(kernel, constants) : fileCode(kernel, constants ?? {}, values)),
      name: kernel.name,
      access: Object.values(kernel.bindings),
      hasUniforms: Object.keys(kernel.uniforms).length > 0,
    };
    variants.set(values, program);
  }
  return program;
}

function fileCode(kernel: Kernel, constants: Constants, values: string): Pick<Program, 'key' | 'code'> {
  return { key: `${kernel.name}:${kernel.shader}:${values}`, code: () => renderKernel(kernel, constants) };
}

/** The key contains the text itself, because two kernels may share a name. */
function inlineCode<K extends Constants>(
  { name, uniforms, wgsl }: InlineKernel<never, never, K>,
  constants: K | undefined,
): Pick<Program, 'key' | 'code'> {
  if (typeof wgsl === 'string' && constants !== undefined) {
    throw new TypeError(
      `${name}: its wgsl is a string, which the constants ${JSON.stringify(constants)} cannot change. Make wgsl a function of ` +
        'them, or launch it without constants.',
    );
  }
  if (typeof wgsl === 'function' && constants === undefined) {
    throw new TypeError(
      `${name}: its wgsl is a function of constants, but it was launched without any. Pass \`constants\` to launch.`,
    );
  }
  const text = typeof wgsl === 'string' ? wgsl : wgsl(constants!);
  checkUniformOrder(name, uniforms, text);
  return { key: `${name}:${text}`, code: () => text };
}

/** The struct of the uniform variable must have the declared fields in their order, or values change places in silence. */
function checkUniformOrder(kernel: string, uniforms: Readonly<Record<string, Scalar>>, text: string): void {
  const type = /var\s*<\s*uniform\s*>\s*\w+\s*:\s*(\w+)/.exec(text)?.[1];
  const body = type && new RegExp(`struct\\s+${type}\\s*\\{([^}]*)\\}`).exec(text)?.[1];
  if (!body) return;
  const found = Array.from(body.matchAll(/(\w+)\s*:\s*(\w+)/g), ([, name, scalar]) => `${name}: ${scalar}`);
  const declared = Object.entries(uniforms).map(([name, scalar]) => `${name}: ${scalar}`);
  if (found.join() === declared.join()) return;
  throw new TypeError(
    `${kernel}: its uniforms are declared as { ${declared.join(', ')} }, but struct ${type} has { ${found.join(', ')} }. ` +
      'Give both the same fields in the same order.',
  );
}

const RANGES = { u32: [0, 2 ** 32 - 1], i32: [-(2 ** 31), 2 ** 31 - 1] } as const;

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
    if (typeof value !== 'number') throw new TypeError(`Uniform ${name} must be a number, got type ${typeof value}.`);
    if (type === 'f32') {
      view.setFloat32(i * 4, value, true);
      return;
    }
    const [least, most] = RANGES[type as 'u32' | 'i32'];
    if (!Number.isInteger(value)) throw new TypeError(`Uniform ${name} must be an integer, got ${value}.`);
    if (value < least || value > most) {
      throw new RangeError(`Uniform ${name} of type ${type} must be from ${least} to ${most}, got ${value}.`);
    }
    if (type === 'i32') view.setInt32(i * 4, value, true);
    else view.setUint32(i * 4, value, true);
  });
  return bytes;
}
