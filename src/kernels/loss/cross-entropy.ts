/** Cross entropy of logits and class indices, and its gradient: the plain mean over rows, and with every option. */
import type { Gpu } from '../../gpu/gpu.ts';
import type { PooledBuffer } from '../../gpu/pool.ts';
import { stridingGrid } from '../grid.ts';
import { defineKernel, launch } from '../kernel.ts';
import { type ClassOptions, type ClassRows, rowUniforms } from './class-rows.ts';
import type { OutputScale } from './sum.ts';

/** logits [rows, classes]. */
type PlainRows = Omit<ClassRows, 'inner'>;

const rowsKernel = defineKernel({
  name: 'cross_entropy_rows',
  shader: 'loss/cross-entropy-rows.wgsl',
  bindings: { logits: 'read', labels: 'read', losses: 'read_write', rows: 'read_write' },
  uniforms: { rows: 'u32', classes: 'u32' },
});

/** Computes the loss of each row [rows]; for backward, also the maximum and log-sum of each row [rows, 2]. */
export function crossEntropyRows(
  gpu: Gpu,
  { rows, classes }: PlainRows,
  buffers: Readonly<Record<'logits' | 'labels' | 'losses' | 'rows', PooledBuffer>>,
): void {
  launch(gpu, rowsKernel, { buffers, uniforms: { rows, classes }, workgroups: [stridingGrid(rows), 1, 1] });
}

const backward = defineKernel({
  name: 'cross_entropy_backward',
  shader: 'loss/cross-entropy-backward.wgsl',
  bindings: { logits: 'read', labels: 'read', rows: 'read', outputGrad: 'read', logitsGrad: 'read_write' },
  uniforms: { rows: 'u32', classes: 'u32' },
});

/** logitsGrad = (softmax(logits) − onehot(labels)) / rows · outputGrad. */
export function crossEntropyBackward(
  gpu: Gpu,
  { rows, classes }: PlainRows,
  buffers: Readonly<Record<'logits' | 'labels' | 'rows' | 'outputGrad' | 'logitsGrad', PooledBuffer>>,
): void {
  launch(gpu, backward, {
    buffers,
    uniforms: { rows, classes },
    workgroups: [stridingGrid(classes, 64), stridingGrid(rows), 1],
  });
}

/** How the classes count, and the share of the target that all classes get. */
export interface SmoothedOptions extends ClassOptions {
  readonly smoothing: number;
}

const optionsRows = defineKernel({
  name: 'cross_entropy_options_rows',
  shader: 'loss/cross-entropy-options-rows.wgsl',
  bindings: {
    logits: 'read',
    labels: 'read',
    weight: 'read',
    losses: 'read_write',
    shares: 'read_write',
    rows: 'read_write',
  },
  uniforms: { rows: 'u32', classes: 'u32', inner: 'u32', ignores: 'u32', ignored: 'u32', smoothing: 'f32' },
});

/**
 * The same with weights [classes], of logits [N, classes, inner]: the loss of each row [rows], the weight of its label
 * [rows], and three values for backward [rows, 3].
 */
export function crossEntropyOptionsRows(
  gpu: Gpu,
  size: ClassRows,
  options: SmoothedOptions,
  buffers: Readonly<Record<'logits' | 'labels' | 'weight' | 'losses' | 'shares' | 'rows', PooledBuffer>>,
): void {
  const inner = size.inner > 1;
  launch(gpu, optionsRows, {
    buffers,
    uniforms: { ...rowUniforms(size, options), smoothing: options.smoothing },
    workgroups: [stridingGrid(size.rows, inner ? 64 : 1), 1, 1],
    constants: { inner },
  });
}

const optionsBackward = defineKernel({
  name: 'cross_entropy_options_backward',
  shader: 'loss/cross-entropy-options-backward.wgsl',
  bindings: {
    logits: 'read',
    labels: 'read',
    weight: 'read',
    rows: 'read',
    divisor: 'read',
    outputGrad: 'read',
    logitsGrad: 'read_write',
  },
  uniforms: {
    ...{ rows: 'u32', classes: 'u32', inner: 'u32', ignores: 'u32', ignored: 'u32' },
    ...{ smoothing: 'f32', step: 'u32' },
  },
});

/** logitsGrad = (softmax(logits) · the target's sum − target) · outputGrad / divisor. */
export function crossEntropyOptionsBackward(
  gpu: Gpu,
  size: ClassRows,
  options: SmoothedOptions,
  { outputGrad, each }: OutputScale,
  buffers: Readonly<Record<'logits' | 'labels' | 'weight' | 'rows' | 'divisor' | 'logitsGrad', PooledBuffer>>,
): void {
  const { rows, classes } = size;
  const inner = size.inner > 1;
  const [alongX, alongY] = inner ? [rows, Math.ceil(classes / CLASSES)] : [classes, rows];
  launch(gpu, optionsBackward, {
    buffers: { ...buffers, outputGrad },
    uniforms: { ...rowUniforms(size, options), smoothing: options.smoothing, step: each ? 1 : 0 },
    workgroups: [stridingGrid(alongX, 64), stridingGrid(alongY), 1],
    constants: { inner },
  });
}

/** Classes that an invocation takes if it has a row of its own: it loads the row's values only once. */
const CLASSES = 16;
