/**
 * Fuses batch norm in evaluation mode into the convolution before it. There, batch norm is a shift and a scale per
 * channel. The convolution applies them before it writes, followed by a residual and an activation.
 */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { linearGrid } from '../grid.ts';
import { defineKernel, type Kernel, type Launch, launch } from '../kernel.ts';

/** Activations beside ReLU that a convolution can apply. The shader part normalised.wgsl has them. */
export type FusedActivation = 'relu6' | 'hardswish' | 'silu';

/** Applied to the outputs of a convolution before they are written. */
export interface Normalisation {
  /** Of each channel mean, scale, shift and 0, f32. From `normalisationTable`. */
  readonly table: PooledBuffer;
  /** Added after normalising; has the output's shape. */
  readonly residual?: PooledBuffer | undefined;
  /** Whether ReLU comes last. */
  readonly relu: boolean;
  /** Another activation that comes last instead. */
  readonly activation?: FusedActivation | undefined;
}

/** A kernel, and the same kernel with normalised output. */
export interface Normalisable<B extends string, U extends string> {
  readonly plain: Kernel<B, U>;
  readonly normalising: Kernel<B | 'table' | 'residual', U>;
}

/** Declares both. The shader includes conv2d/parts/normalised.wgsl if the constant `normalised` is set. */
export function defineNormalisable<B extends string, U extends string>(kernel: Kernel<B, U>): Normalisable<B, U> {
  return {
    plain: defineKernel(kernel),
    normalising: defineKernel<B | 'table' | 'residual', U>({
      ...kernel,
      name: `${kernel.name}_normalised`,
      bindings: { ...kernel.bindings, table: 'read', residual: 'read' },
      example: { ...kernel.example, normalised: true, residual: true, relu: true },
    }),
  };
}

/** Launches the normalising kernel if a normalisation is given, else the plain one. */
export function launchNormalised<B extends string, U extends string>(
  gpu: Gpu,
  { plain, normalising }: Normalisable<B, U>,
  run: Launch<B, U>,
  after: Normalisation | undefined,
): void {
  if (!after) {
    launch(gpu, plain, run);
    return;
  }
  const { table, residual, relu, activation } = after;
  // Without a residual the shader does not read its binding, but WebGPU requires a buffer there.
  const buffers = { ...run.buffers, table, residual: residual ?? table };
  const constants = {
    ...{ ...run.constants, normalised: true, residual: residual !== undefined, relu },
    ...(activation && { [activation]: true }),
  };
  launch(gpu, normalising, { ...run, buffers, constants });
}

const tableKernel = defineKernel({
  name: 'batch_norm_table',
  shader: 'batch-norm/table.wgsl',
  bindings: { runningMean: 'read', runningVar: 'read', weight: 'read', bias: 'read', table: 'read_write' },
  uniforms: { channels: 'u32', eps: 'f32' },
});

/** Fills the table from a batch norm's parameters and running statistics, [channels] each. */
export function normalisationTable(
  gpu: Gpu,
  channels: number,
  eps: number,
  buffers: Readonly<Record<'runningMean' | 'runningVar' | 'weight' | 'bias' | 'table', PooledBuffer>>,
): void {
  launch(gpu, tableKernel, { buffers, uniforms: { channels, eps }, workgroups: linearGrid(channels, 64) });
}
